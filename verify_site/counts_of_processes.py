"""The counters of the site's processes as one: as every role adds them up."""

from verify_site.webserver.counts_of_processes import CountsOfProcesses as CountsOfProcesses

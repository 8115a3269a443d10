"""What leaves the registry to be read by people: QR codes, certificates as PDF and picture, workbooks."""

"""Telling institutions' own systems what happened: recorded with the event, sent later, tried again for three days."""

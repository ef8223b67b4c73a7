"""The error that is the user's to mend, apart from bugs."""


class OcostError(Exception):
    """Bad input: one line that says what is wrong, where, and what to do.

    The command line prints it without a traceback and exits with code 2.
    """


class DataError(OcostError):
    """A tensor's data are missing, cut off, or don't fit: whatever needs them ends here."""

"""The one kind of error that a user is meant to read."""


class UserError(Exception):
    """Something in what the user gave is wrong: one clear line that names it, its value and what is allowed.

    The command line prints it without a traceback and exits with code 2.
    """

"""Every error of this package, on one page.

Each message says what happened to the render and to the money, and quotes the project where there is one.
The root is not ``AirflowException``: the layers below the operators know no Airflow.
"""

from __future__ import annotations


class JSON2VideoError(Exception):
    """The root of everything this package raises on purpose."""


class ConfigurationError(JSON2VideoError):
    """A connection, an argument or the installation is wrong; nothing was sent or paid."""


class MovieError(JSON2VideoError):
    """The movie was refused here, before anything was sent or paid."""


class InvalidMovie(MovieError):
    """The movie is not something the service could render."""


class UnresolvedConnection(MovieError):
    """The movie refers to a connection that this environment does not define."""


class BudgetExceeded(MovieError):
    """The movie would cost more than was allowed."""


class MediaError(JSON2VideoError):
    """The file was refused here: the service would not take it, or another one of that name is there."""


class SourceUnavailable(JSON2VideoError):
    """A file to upload could not be read: the store that has it, or the way there, failed."""


class ApiError(JSON2VideoError):
    """The service, or the way to it, answered with a failure.

    :param status: HTTP status (int), or None when no answer came.
    :param message: the service's own words, control characters escaped and cut to a line.
    """

    def __init__(self, status: int | None, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message

    def __str__(self) -> str:
        return self.message if self.status is None else f"{self.message} (HTTP {self.status})"


class AuthenticationError(ApiError):
    """The API key is missing, unknown, expired or revoked."""


class PermissionDenied(ApiError):
    """The key's role does not allow this call, or the account is suspended."""


class OutOfCredits(ApiError):
    """The account's balance or plan quota is used up."""


class NotFound(ApiError):
    """The project, template or file is not known to this account."""


class InvalidRequest(ApiError):
    """The service refused what was sent; sending it again will not help."""


class RateLimited(ApiError):
    """Too many requests; nothing was taken.

    :param retry_after: seconds (float) the service asks to stay silent, or None.
    """

    def __init__(self, status: int | None, message: str, retry_after: float | None = None) -> None:
        super().__init__(status, message)
        self.retry_after = retry_after


class ServerError(ApiError):
    """The service failed (5xx); whether it had taken the request is unknown."""


class UnreadableAnswer(ApiError):
    """The answer could not be understood, was too large, or is a redirect, which is never followed.

    :param too_large: True when reading was stopped at the client's cap.
    """

    def __init__(self, status: int | None, message: str, *, too_large: bool = False) -> None:
        super().__init__(status, message)
        self.too_large = too_large


class Unreachable(ApiError):
    """No answer came: DNS, connection, TLS, timeout or a broken connection.

    :param sent: True when the first byte of the request may have left, so that the service may have it.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(None, message)
        self.sent = sent


class SubmitAmbiguous(JSON2VideoError):
    """A render was asked for and no readable answer came: it may or may not exist and be charged."""


class RenderFailed(JSON2VideoError):
    """The service ended the render with an error.

    :param project: the project id (str).
    :param message: the service's reason.
    :param element: the failing element as JSON text, when the reason names one.
    """

    def __init__(self, project: str, message: str, element: str | None = None) -> None:
        super().__init__(project, message, element)
        self.project = project
        self.message = message
        self.element = element

    def __str__(self) -> str:
        element = f" The failing element is {self.element}." if self.element else ""
        return (
            f"Project {self.project} failed to render: {self.message or 'the service gave no reason'}.{element} "
            "A failed render is not billed for rendering; AI assets that were already made may be."
        )


class RenderTimeout(JSON2VideoError):
    """The render did not end in time. It goes on at the service and may still be charged.

    :param project: the project id (str).
    :param message: what was waited for, with the last status seen.
    """

    def __init__(self, project: str, message: str) -> None:
        super().__init__(project, message)
        self.project = project
        self.message = message

    def __str__(self) -> str:
        return (
            f"Project {self.project}: {self.message}. The service has no cancel: the render goes on and is "
            "charged if it finishes. A retry of the task waits for it again and does not submit anew."
        )


class DownloadFailed(JSON2VideoError):
    """A rendered, paid movie did not get to its destination. A retry downloads it again and pays nothing.

    :param project: the project id (str).
    :param destination: where it was to go (str).
    :param reason: what went wrong, there or at the file server.
    :param until: when the service removes the file (ISO), or None when that is not known.
    """

    def __init__(self, project: str, destination: str, reason: str, until: str | None = None) -> None:
        super().__init__(project, destination, reason, until)
        self.project = project
        self.destination = destination
        self.reason = reason
        self.until = until

    def __str__(self) -> str:
        until = f"until {self.until}" if self.until else "for 7 days after the render's end"
        return (
            f"Project {self.project} is rendered and paid for, but its file did not get to {self.destination}: "
            f"{self.reason}. The service keeps it {until}; {self._what_next} "
            f"JSON2VideoDownloadMovieOperator(project={self.project!r}) brings it and pays nothing, and from Airflow "
            "3.3 on a clear of the task does so too."
        )

    _what_next = "a retry of the task downloads it again and pays nothing. Where no retry is left,"


class DestinationTaken(DownloadFailed):
    """Something else is at the destination and must not be overwritten: another try would end the same way."""

    _what_next = "remove what is there, set overwrite=True or name another destination: then"


class DestinationUnavailable(JSON2VideoError):
    """A destination could not be looked at before the render was asked for; nothing was sent or paid."""

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

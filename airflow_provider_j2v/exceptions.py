"""Every error that an author of DAGs meets, on one page.

Each message says what happened to the render and to the money, and quotes the project where there is one. Each
docstring says it in general, under ``:money:`` and ``:do:``: docs/errors.md is written from them.
The root is not ``AirflowException``: the layers below the operators know no Airflow.
"""

from __future__ import annotations


class JSON2VideoError(Exception):
    """The root of everything this package raises on purpose; raised itself where no other name fits.

    :money: as the message says.
    :do: what the message says. One ``except JSON2VideoError`` catches all that follow.
    """


class ConfigurationError(JSON2VideoError):
    """A connection, an argument or the installation is wrong.

    :money: nothing was sent or paid. A render that an earlier try paid for goes on.
    :do: mend what the message names, and clear the task: it waits for the render that is there, if one is.
    """


class MovieError(JSON2VideoError):
    """The movie was refused here, before anything was sent.

    :money: nothing was paid.
    :do: mend the movie or its variables, and clear the task.
    """


class InvalidMovie(MovieError):
    """The movie is not something that the service could render: no JSON object, too large, or with errors of the lint.

    :money: nothing was paid.
    :do: go to the place that the message names (``movie.scenes[0].elements[1].src``). ``airflow-j2v lint`` finds the
        same without a run.
    """


class UnresolvedConnection(MovieError):
    """The movie refers to a connection that this environment does not define, or an AI element has no known payer.

    :money: nothing was paid.
    :do: create the Airflow connection that the message names, or map its provider in ``connections``.
    """


class BudgetExceeded(MovieError):
    """The movie, or the whole batch, may cost more than ``max_credits`` allows or than the account has left.

    :money: nothing was paid.
    :do: shorten what the message names as the largest parts, raise ``max_credits``, or top up the account.
    """


class MediaError(JSON2VideoError):
    """A file to upload was refused here: the service would not take it, or another one of that name is there.

    :money: nothing was paid; uploads cost no credits.
    :do: mend ``source``, ``name`` or ``if_exists`` as the message says, and clear the task.
    """


class SourceUnavailable(JSON2VideoError):
    """A file to upload could not be read: the store that has it, or the way there, failed.

    :money: nothing was paid; uploads cost no credits.
    :do: nothing: the retry reads it again, and sends only what is missing.
    """


class ApiError(JSON2VideoError):
    """The service, or the way to it, answered with a failure.

    :money: as the message says; a submission that may have been taken is a ``SubmitAmbiguous`` instead.
    :do: what the message says; a retry waits for a render that is there, and pays for no other.
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
    """The API key is missing, unknown, expired or revoked.

    :money: nothing was paid for by this call. A render that is under way goes on, and is charged when it finishes.
    :do: put a valid key into the password of the Airflow connection, and clear the task: it waits for the same render.
    """


class PermissionDenied(ApiError):
    """The key's role does not allow this call, or the account is suspended.

    :money: nothing was paid for by this call. A render that is under way goes on, and is charged when it finishes.
    :do: take a key of a sufficient role (*Editor* to write templates, *Render* for the rest), and clear the task.
    """


class OutOfCredits(ApiError):
    """The account's balance or plan quota is used up, or its storage is blocked.

    :money: nothing was paid for by this call.
    :do: top up the account or wait for the plan's renewal. Retries that are left try again by themselves.
    """


class NotFound(ApiError):
    """The project, template or file is not known to this account, or not any more.

    :money: nothing was paid for by this call. A movie whose file is gone was paid for, and only a new
        render brings it back.
    :do: see whether the connection is that of the account that has it, and whether seven days have passed.
    """


class InvalidRequest(ApiError):
    """The service refused what was sent; sending it again will not help.

    :money: nothing was paid.
    :do: mend what the service's own words in the message say, and clear the task.
    """


class RateLimited(ApiError):
    """Too many requests: the service took nothing for longer than a try waits (a submission: five minutes).

    :money: nothing was paid for by this call.
    :do: nothing: the retry tries again. If it happens often, bound the tasks by a pool or ``max_in_flight``.
    :param retry_after: seconds (float) the service asks to stay silent, or None.
    """

    def __init__(self, status: int | None, message: str, retry_after: float | None = None) -> None:
        super().__init__(status, message)
        self.retry_after = retry_after


class ServerError(ApiError):
    """The service failed (5xx), or ten polls in a row did; whether it had taken the request is unknown.

    :money: a submission that may have been taken is a ``SubmitAmbiguous`` instead. A render under way goes on.
    :do: nothing: the retry waits for the same render.
    """


class UnreadableAnswer(ApiError):
    """The answer could not be understood, was too large, or is a redirect, which is never followed.

    :money: a submission that may have been taken is a ``SubmitAmbiguous`` instead. A render under way goes on.
    :do: if retries do not help, look at host and proxy of the connection: something else may be answering.
    :param too_large: True when reading was stopped at the client's cap.
    """

    def __init__(self, status: int | None, message: str, *, too_large: bool = False) -> None:
        super().__init__(status, message)
        self.too_large = too_large


class Unreachable(ApiError):
    """No answer came: DNS, connection, TLS, timeout or a broken connection.

    :money: nothing, where no byte was sent; else a submission is a ``SubmitAmbiguous``. A render under way goes on.
    :do: if retries do not help, look at the connection's host and proxy, and at the network of that worker.
    :param sent: True when the first byte of the request may have left, so that the service may have it.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(None, message)
        self.sent = sent


class SubmitAmbiguous(JSON2VideoError):
    """A render was asked for and no readable answer came: it may or may not exist.

    :money: charged once if the service took it, else not at all. Nothing more is sent before that is known.
    :do: nothing: the retry looks for the render by its tag, takes it over where it exists, and only else submits again.
        From the hook's ``submit_movie``, which keeps no ledger, look into the dashboard first.
    """


class RenderFailed(JSON2VideoError):
    """The service ended the render with an error.

    :money: not charged for rendering; AI assets that were already made may be.
    :do: mend what the service's reason and the failing element say, and clear the task. Reasons that would come back
        (an asset that answers 4xx, a wrong file type, a zero duration, a missing property) are not retried.
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
        return " ".join(self.lines)

    @property
    def lines(self) -> list[str]:
        """The parts of the message, for a log that cuts long lines off: one below the other."""
        return [
            f"Project {self.project} failed to render:",
            f"{self.message or 'the service gave no reason'}.",
            *([f"The failing element: {self.element}."] if self.element else []),
            "A failed render is not billed for rendering; AI assets that were already made may be.",
            "Next: mend what failed, then clear the task that submitted it; it renders anew.",
        ]


class RenderTimeout(JSON2VideoError):
    """The render did not end in time. It goes on at the service, which has no cancel.

    :money: charged once, if it finishes.
    :do: retry or clear the task: it waits for the same render. Raise ``timeout`` where that happens often.
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
    """A rendered, paid movie did not get to its destination.

    :money: the render is paid, once; the download costs nothing, however often.
    :do: retry within seven days of the render's end: it downloads again. Where no retry is left, a
        ``JSON2VideoDownloadMovieOperator`` brings it, and from Airflow 3.3 on a clear does.
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
    """Something else is at the destination and must not be overwritten: another try would end the same way.

    :money: the render is paid, once; the download costs nothing.
    :do: remove what is there, set ``overwrite=True`` or name another destination, and clear the task (Airflow 3.3 and
        later), or bring it with a ``JSON2VideoDownloadMovieOperator``.
    """

    _what_next = "remove what is there, set overwrite=True or name another destination: then"


class DestinationUnavailable(JSON2VideoError):
    """A destination could not be looked at before the render was asked for.

    :money: nothing was sent or paid.
    :do: nothing: the retry looks again. If that does not help, mend the store's connection or its network.
    """

"""What a client alone cannot settle."""

from __future__ import annotations

from dev.live.questions import DISPUTED, DOCUMENTED, SEEN, UNKNOWN, Question

QUESTIONS = (
    Question(
        id="timeout-status",
        asks="Is the status `timeout` ever in an answer, and may the movie still end well?",
        takes="perhaps: it is waited out for five minutes, then the task fails and a retry waits on",
        where=("renders/polling.py: TIMEOUT_GRACE",),
        rests_on=DISPUTED,
        otherwise="a render of more than 15 minutes",
    ),
    Question(
        id="file-life",
        asks="Does a file live for seven days, and is `url` null after that?",
        takes="yes",
        where=("renders/result.py: FILE_LIFE",),
        rests_on=DOCUMENTED,
        otherwise="a look at a finished movie a week later",
    ),
    Question(
        id="no-credits",
        asks="What is the answer when the balance is empty, or the account suspended?",
        takes="`OutOfCredits`, `PermissionDenied`",
        where=("api/reply.py: insufficient credits",),
        rests_on=DOCUMENTED,
        otherwise="an account without credits",
    ),
    Question(
        id="concurrency",
        asks="How many renders may be under way at once?",
        takes="any number; a pool, or `max_in_flight` of a batch, limits it",
        where=("api/reply.py: RateLimited",),
        rests_on=DISPUTED,
        otherwise="as many renders at once as the plan may allow",
    ),
    Question(
        id="connection-fee",
        asks="Is a fee charged for an AI asset made with a Connection of one's own?",
        takes="no",
        where=("movies/credits.py: nothing with a connection",),
        rests_on=DISPUTED,
        otherwise="a JSON2Video Connection with credentials of an AI provider",
    ),
    Question(
        id="webhooks",
        asks="What does a webhook really send, and is it sent again after a failure?",
        takes="nothing: no webhook is received, the status is asked for",
        where=("movies/rules/exports.py: webhook",),
        rests_on=f"{DISPUTED}: three documented shapes",
        otherwise="a public https address that notes what arrives",
    ),
    Question(
        id="several-exports",
        asks="What happens with two items in `exports`, and with several addressees of a mail?",
        takes="lint warns of the former",
        where=("movies/rules/exports.py: several-exports",),
        rests_on=DISPUTED,
        otherwise="destinations of one's own to look at",
    ),
    Question(
        id="functions",
        asks="Which functions do expressions know beside min, max and ceil?",
        takes="lint warns of others",
        where=("movies/rules/placeholders.py: FUNCTIONS",),
        rests_on="documented in part",
        otherwise="looking at the rendered picture",
    ),
    Question(
        id="pending-move",
        asks="Is a media file lost that is moved while it is `pending`?",
        takes="it may be; nothing here moves one",
        where=("api/media.py: may get",),
        rests_on=f"{SEEN}, not always; {UNKNOWN} how often",
        otherwise="many attempts",
    ),
)

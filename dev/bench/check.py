"""The response check of the http provider's trigger, which loads this module anew at every poll."""


async def done(response):  # type: ignore[no-untyped-def]  # a requests.Response
    """Whether the render is done."""
    return response.json()["movie"]["status"] == "done"

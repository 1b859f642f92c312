"""What a log line may say of an exception."""

import asyncio

from server.telemetry import name_exception

SECRET_WORDS = "token abc of +358401234567 at 60.17, 24.94"


def raising() -> None:
    raise ValueError(SECRET_WORDS)


def caught(raiser) -> BaseException:
    try:
        raiser()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def test_an_exception_is_named_with_the_way_it_came_and_without_its_words():
    line = name_exception(None, "error", {"event": "unexpected", "exc_info": caught(raising)})
    assert line["error"] == "ValueError"
    assert line["at"][-1].endswith(" raising")
    assert SECRET_WORDS not in str(line)


def test_each_exception_of_a_group_is_named():
    async def two_fail():
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.to_thread(raising))
            tasks.create_task(asyncio.to_thread(raising))

    line = name_exception(None, "error", {"exc_info": caught(lambda: asyncio.run(two_fail()))})
    assert line["error"] == "ExceptionGroup"
    assert {one["error"] for one in line["errors"]} == {"ValueError"}
    assert SECRET_WORDS not in str(line)


def test_true_means_the_exception_being_handled():
    try:
        raising()
    except ValueError:
        line = name_exception(None, "error", {"exc_info": True})
    assert line["error"] == "ValueError"


def test_a_line_without_an_exception_stays_as_it_is():
    assert name_exception(None, "info", {"event": "hello"}) == {"event": "hello"}

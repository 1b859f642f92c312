"""Passwords are stored as argon2id and checked without telling who exists."""

import asyncio

import pytest

from server.accounts.passwords import MAX_WAITING, BadPassword, Passwords, TooManyPasswords


async def test_a_password_is_recognised_and_no_other():
    passwords = Passwords()
    stored = await passwords.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert await passwords.verify("correct horse", stored)
    assert not await passwords.verify("correct house", stored)


async def test_who_has_no_password_is_let_in_by_none():
    assert not await Passwords().verify("whose password this is nobody knows", None)


async def test_a_broken_hash_lets_nobody_in():
    assert not await Passwords().verify("correct horse", "not a hash")


@pytest.mark.parametrize("password", ["", "seven77", "x" * 201])
async def test_a_password_has_a_sensible_length(password):
    with pytest.raises(BadPassword):
        await Passwords().hash(password)


async def test_an_endless_password_is_not_even_tried():
    assert not await Passwords().verify("x" * 10_000_000, None)


async def test_a_flood_is_turned_away_so_that_nobody_waits_for_long():
    passwords = Passwords()
    flood = [asyncio.create_task(passwords.verify("guess", "not a hash")) for _ in range(MAX_WAITING + 3)]
    answers = await asyncio.gather(*flood, return_exceptions=True)
    assert [type(answer) for answer in answers].count(TooManyPasswords) == 3
    assert not await passwords.verify("guess", "not a hash")  # … and those turned away hold no place

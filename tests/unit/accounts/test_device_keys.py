"""Device keys: unguessable, told once, kept as a hash."""

from server.accounts.device_keys import hash_of, new_device_key


def test_keys_differ_and_may_stand_in_a_url():
    keys = {new_device_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(len(key) == 43 and key.replace("-", "").replace("_", "").isalnum() for key in keys)


def test_only_a_hash_is_kept():
    assert hash_of("key") == hash_of("key") != hash_of("Key")
    assert len(hash_of("\ud800 whatever somebody sends")) == 32

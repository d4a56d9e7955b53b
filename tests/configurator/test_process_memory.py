import platform

from configurator.process_memory import give_back_free_memory


def test_free_memory_is_given_back_where_the_library_can():
    blocks = [bytearray(50_000) for _ in range(400)]  # below the size that is given back at once anyhow
    del blocks[:-1]
    assert give_back_free_memory() is (platform.libc_ver()[0] == "glibc")

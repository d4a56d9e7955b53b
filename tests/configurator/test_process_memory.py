import platform

from configurator.process_memory import give_back_large_blocks


def test_large_blocks_are_given_back_where_the_library_can():
    assert give_back_large_blocks() is (platform.libc_ver()[0] == "glibc")

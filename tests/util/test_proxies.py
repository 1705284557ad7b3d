from __future__ import annotations

import pytest

from akosha_hook.errors import SettingsError
from akosha_hook.util.proxies import proxy_for

PROXY = "http://proxy.test:3128"


def chosen(url: str, **environ: str) -> str | None:
    proxy = proxy_for(url, environ)
    return proxy.url if proxy else None


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        ("https://s3.test", {}, None),
        ("https://s3.test", {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://s3.test", {"https_proxy": PROXY}, PROXY),
        ("https://s3.test", {"https_proxy": PROXY, "HTTPS_PROXY": "http://other.test"}, PROXY),
        ("https://s3.test", {"HTTP_PROXY": PROXY}, None),
        ("http://s3.test", {"HTTP_PROXY": PROXY}, PROXY),
        ("http://s3.test", {"HTTPS_PROXY": PROXY}, None),
        ("https://s3.test", {"ALL_PROXY": PROXY}, PROXY),
        ("https://s3.test", {"HTTPS_PROXY": PROXY, "ALL_PROXY": "http://other.test"}, PROXY),
        ("https://s3.test", {"https_proxy": "", "HTTPS_PROXY": PROXY}, None),
        ("https://s3.test", {"HTTPS_PROXY": "", "ALL_PROXY": PROXY}, None),
        ("https://s3.test", {"HTTPS_PROXY": "proxy.test:3128"}, PROXY),
        ("https://s3.test", {"HTTPS_PROXY": "https://proxy.test"}, "https://proxy.test"),
        ("https://s3.test", {"HTTPS_PROXY": "http://[::2]:3128/"}, "http://[::2]:3128"),
        ("http://localhost:9000", {"HTTP_PROXY": PROXY}, None),
        ("http://[::1]:9000", {"HTTP_PROXY": PROXY}, None),
    ],
)
def test_the_environment_chooses_the_proxy(
    url: str, environ: dict[str, str], expected: str | None
) -> None:
    assert chosen(url, **environ) == expected


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("*", "https://s3.test", True),
        ("s3.test", "https://s3.test", True),
        ("S3.Test", "https://s3.TEST.", True),
        ("test", "https://s3.test", True),
        (".test", "https://s3.test", True),
        ("*.test", "https://s3.test", True),
        ("3.test", "https://s3.test", False),
        ("other.test, s3.test", "https://s3.test", True),
        ("s3.test:9000", "https://s3.test:9000", True),
        ("s3.test:443", "https://s3.test", True),
        ("s3.test:9000", "https://s3.test", False),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("10.1.2.3", "https://10.1.2.3:9000", True),
        ("10.1.2.3:9000", "https://10.1.2.3:9000", True),
        ("fd00::/8", "https://[fd00::1]:9000", True),
        ("[fd00::1]", "https://[fd00::1]:9000", True),
        ("[fd00::1]:9000", "https://[fd00::1]:9000", True),
        ("[fd00::1]:9001", "https://[fd00::1]:9000", False),
        ("", "https://s3.test", False),
        (", ,", "https://s3.test", False),
    ],
)
def test_no_proxy_excepts_hosts(no_proxy: str, url: str, direct: bool) -> None:
    assert (chosen(url, HTTPS_PROXY=PROXY, NO_PROXY=no_proxy) is None) is direct


def test_userinfo_is_taken_out_of_the_url() -> None:
    proxy = proxy_for("https://s3.test", {"HTTPS_PROXY": "http://ana:p%3Aw%40x@proxy.test:3128"})
    assert proxy is not None
    assert proxy.url == PROXY
    assert proxy.userinfo is not None
    assert proxy.userinfo.reveal() == "ana:p:w@x"
    assert "p:w" not in repr(proxy)


@pytest.mark.parametrize(
    "value",
    [
        "socks5://ana:canary@proxy.test:1080",
        "http://ana:canary@",
        "http://ana:canary@proxy.test:port",
        "http://ana:canary@[proxy.test",
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable_only(value: str) -> None:
    with pytest.raises(SettingsError, match="ALL_PROXY") as caught:
        proxy_for("https://s3.test", {"ALL_PROXY": value})
    assert "canary" not in caught.value.message + caught.value.hint
    assert caught.value.__context__ is None

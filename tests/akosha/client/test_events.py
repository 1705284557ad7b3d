from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from akosha_hook.akosha.client.events import EventStream

ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
DATA = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1).map(str.encode)


def parse(*received: bytes) -> list[bytes]:
    stream = EventStream()
    return [data for chunk in received for data in stream.feed(chunk)]


@given(
    st.lists(st.tuples(st.lists(DATA, min_size=1, max_size=3), ENDS), max_size=5),
    st.data(),
)
def test_events_are_the_same_however_they_arrive(
    events: list[tuple[list[bytes], bytes]], data: st.DataObject
) -> None:
    """Also where a chunk ends between a carriage return and its line feed."""
    sent = b"".join(
        b"".join(b"data: " + line + end for line in lines) + end for lines, end in events
    )
    cuts = sorted(data.draw(st.sets(st.integers(0, len(sent)))))
    chunks = [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    # A stream that ends in a lone carriage return may go on with its line feed.
    assert parse(*chunks, b"\n") == [b"\n".join(lines) for lines, _ in events]


def test_comments_other_fields_and_events_without_data_are_left_out() -> None:
    stream = b": ping\n\nevent: message\nid: 7\ndata: {}\n\nretry: 1\n\nevent: endpoint\n\n"
    assert parse(stream) == [b"{}"]


def test_an_event_that_was_cut_off_does_not_count() -> None:
    assert parse(b"data: whole\n\ndata: half") == [b"whole"]


def test_one_space_after_the_colon_is_not_data() -> None:
    assert parse(b"data:a\ndata:  b\ndata\n\n") == [b"a\n b\n"]


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_noise_does_no_harm(chunks: list[bytes]) -> None:
    parse(*chunks)

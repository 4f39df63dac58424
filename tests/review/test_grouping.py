"""Matches that one answer does for, and the order in which they come."""

from vhashdb.review import By, FoundMatch, groups


def found(path, record="a" * 32, verdict="match", video="", severity="", share=0.5):
    return FoundMatch(path, None, record, verdict, 0.9, "", False, ("x",), "local", (), severity=severity, share=share, video=video)


def test_files_of_one_video_are_together_whichever_of_its_records_they_match():
    some = [found("1.mp4", "a" * 32, video="v"), found("2.mp4", "b" * 32, video="v"), found("3.mp4", "c" * 32)]
    together, alone = groups(some, By.VIDEO)
    assert (together.files, together.records) == (("1.mp4", "2.mp4"), ("a" * 32, "b" * 32))
    assert alone.files == ("3.mp4",)


def test_what_a_file_shows_is_together():
    some = [found("1.mp4"), found("2.mp4"), found("1.mp4", "b" * 32)]
    assert [(group.files, group.records) for group in groups(some, By.FILE)] == [
        (("1.mp4",), ("a" * 32, "b" * 32)),
        (("2.mp4",), ("a" * 32,)),
    ]


def test_what_presses_most_comes_first_and_what_is_alike_as_it_was_checked():
    order = [
        found("1.mp4", "1" * 32, severity="extreme", share=0.2),
        found("2.mp4", "2" * 32, severity="high", share=0.9),
        found("3.mp4", "3" * 32, severity="high", share=0.5),
        found("4.mp4", "4" * 32, severity="high", share=0.5),
        found("5.mp4", "5" * 32, "possible", severity="extreme"),
        found("6.mp4", "", "insufficient"),
        found("7.mp4", "", "unreadable"),
    ]
    shuffled = [order[place] for place in (6, 4, 2, 0, 5, 3, 1)]
    assert [group.files[0] for group in groups(shuffled, By.VIDEO)] == [one.path for one in order]


def test_files_that_could_not_be_checked_are_one_group_and_some_can_be_left_out():
    some = [found(f"{number}.mp4", "", "unreadable") for number in range(3)]
    (group,) = groups(some, By.VIDEO)
    assert group.records == ()
    assert group.without([some[1]]).files == ("0.mp4", "2.mp4")

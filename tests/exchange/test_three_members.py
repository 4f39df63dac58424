"""The story in the documents happens as it is told."""

import importlib.util

from tests.conftest import ROOT


def test_the_story_of_three_members_and_a_federation(tmp_path):
    spec = importlib.util.spec_from_file_location("three_members", ROOT / "docs" / "three_members.py")
    story = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(story)
    told = []
    story.main(tmp_path, told.append)
    assert len(told) == 9

"""What tests of reports share."""

from __future__ import annotations

from guardrails.authoring.markup import make_page, make_table

_PAGE = make_page("", [make_table((), [])])
_SCRIPT = _PAGE[_PAGE.index("<script>") : _PAGE.index("</script>") + len("</script>")]


def without_own_script(page: str) -> str:
    """Return a page without the script of tables, which a page with tables has once and at its end."""
    assert page.count(_SCRIPT) == ("<table" in page)
    return page.replace(_SCRIPT, "")

"""What people do in the app, in a real browser against the real service: a few of it always, all of it in test-full."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import DESKTOP, PHONE, House, launch, served, settle
from playwright.sync_api import Browser, Page, expect, sync_playwright

PAGES = {
    "/today": "Today",
    "/clients": "Clients",
    "/email-log": "Email log",
    "/insights": "Insights",
    "/preferences": "Preferences",
    "/account": "Account",
    "/schedules": "Schedules",
    "/runs": "Runs",
    "/settings": "Settings",
}
OWNER, ADMIN, MANAGER = "ines@example.com", "carla@example.com", "tom@example.com"
SERIOUS = {"serious", "critical"}
STREAMLITS_OWN = {"exclude": [["[data-testid='stSidebarNav']"], ["[role='spinbutton']"]]}
"""What Streamlit marks up by itself: its list of pages, and the narrow hours and minutes of a time."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = launch(playwright)
        yield found
        found.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The demo tenant with its news and mails, served."""
    with served(tmp_path_factory.mktemp("house") / "var") as one:
        one.run("demo", "--plain")
        yield one


def opened(page: Page, path: str) -> None:
    """Go to a page of the app; it is there, and nothing on it failed."""
    page.goto(path)
    settle(page)
    expect(page.locator("[data-testid='stException']")).to_have_count(0)
    expect(page.get_by_text("That went wrong")).to_have_count(0)


def test_nobody_is_shown_anything_before_they_sign_in(house: House, browser: Browser) -> None:
    with house.visit(browser) as page:
        page.goto("/clients")
        expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
        assert "/web/sign-in" in page.url
        page.get_by_label("E-mail address").fill(OWNER)
        page.get_by_label("Password").fill("not the password at all")
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("alert")).to_be_visible()
        assert "Harbor" not in page.content()


def test_who_signs_in_finds_every_page_and_can_leave(house: House, browser: Browser) -> None:
    with house.visit(browser) as page:
        house.sign_in(page, OWNER, to="/today")
        for path, title in PAGES.items():
            opened(page, path)
            expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
        page.get_by_role("link", name="Sign out").click()
        page.get_by_role("button", name="Sign out").click()
        page.goto("/today")
        expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


def test_a_manager_is_refused_the_settings(house: House, browser: Browser) -> None:
    with house.visit(browser) as page:
        house.sign_in(page, MANAGER, to="/today")
        expect(page.get_by_role("link", name="Preferences")).to_be_visible()
        expect(page.get_by_role("link", name="Settings")).to_have_count(0)
        page.goto("/settings")
        settle(page)
        expect(page.get_by_role("heading", level=1, name="Settings")).to_have_count(0)


@pytest.mark.full
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_no_page_has_a_serious_fault_for_anybody(
    house: House, browser: Browser, size: tuple[int, int], is_dark: bool
) -> None:
    """axe-core's rules (WCAG 2.2 A and AA), and nothing wider than the screen."""
    found: dict[str, list[str]] = {}
    with house.visit(browser, size, is_dark=is_dark) as page:
        house.sign_in(page, OWNER, to="/today")
        for path in PAGES:
            opened(page, path)
            page.wait_for_timeout(1_000)  # colours fade in; axe reads the ones of the moment
            seen = Axe().run(
                page, STREAMLITS_OWN, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}
            )
            found[path] = [
                f"{one['id']}: {one['nodes'][0]['html'][:160]}"
                for one in seen.response["violations"]
                if one["impact"] in SERIOUS
            ]
            wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if wide > 0:
                found[path].append(f"{wide} px wider than the screen")
    assert {path: faults for path, faults in found.items() if faults} == {}

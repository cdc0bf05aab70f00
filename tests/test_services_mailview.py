"""A mail shown to people: as it was sent, and with nothing in it that loads, runs, leads anywhere or acts."""

import re
import zlib
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from uuid import UUID, uuid4

import pytest
from conftest import NOW, Tenant
from desk import another_tenant, rows
from hypothesis import given, settings
from hypothesis import strategies as st
from postbox import add_mail, links_of

from models.accounts import User
from models.audit import AuditLog
from models.mail import Delivery, DeliveryKind, EmailBody
from models.scope import Role, Scope
from services.errors import UserError
from services.mail_html import Inline, harmless
from services.mailview import HIDDEN, READ, MailView, shown, view
from services.sample_letter import sample_letter
from tasks.notify.letter import ItemLinks, Look
from tasks.notify.links import unsubscribe_headers
from tasks.notify.mime import build_mime
from tasks.notify.notices import post
from tasks.notify.render import Rendered, render

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40


def a_digest(tenant: Tenant, user_id: UUID | None, *, store: bool = True) -> Delivery:
    """A digest whose links are those of a real mail, tracked."""
    mail = add_mail(tenant, user_id)
    links = links_of(mail, tracking=True)
    event, client = uuid4(), uuid4()
    says = ItemLinks(
        useful=links.useful(event),
        not_relevant=links.not_relevant(event),
        wrong_company=links.wrong_company(event),
        mute=links.mute(client),
    )
    letter = sample_letter("daily", "Northgate", Look())
    item = (
        letter.sections[0]
        .items[0]
        .model_copy(update={"links": says, "read_url": links.article("https://news.example/a")})
    )
    letter = letter.model_copy(
        update={
            "sections": (letter.sections[0].model_copy(update={"items": (item,)}),),
            "pixel_url": links.pixel,
            "unsubscribe_url": links.unsubscribe,
            "preferences_url": links.preferences,
            "app_url": "https://monitor.example",
        }
    )
    if store:
        keep(tenant, mail, bytes_of(render(letter), **unsubscribe_headers(links)))
    return mail


def bytes_of(rendered: Rendered, **headers: str) -> bytes:
    return build_mime(
        rendered,
        mail_from="Client Monitor <monitor@example.com>",
        mail_to="maria@example.com",
        to_name="María Ruiz",
        message_id="<one@example.com>",
        date=NOW,
        headers=headers,
    )


def keep(tenant: Tenant, mail: Delivery, data: bytes) -> None:
    tenant.add(
        EmailBody(
            business_id=tenant.business_id, delivery_id=mail.id, mime=zlib.compress(data), created_at=NOW
        )
    )


class Page(HTMLParser):
    """What a browser could act on."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.sources: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if (tag, attrs) == ("meta", [("charset", "utf-8")]) or (tag == "meta" and "Policy" in str(attrs)):
            return
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.sources += [value or "" for name, value in attrs if name == "src"]

    def handle_data(self, data: str) -> None:
        self.text += data


def everything(found: MailView) -> str:
    """All that leaves the house, decoded."""
    kept = message_from_bytes(found.eml, policy=policy.default)
    assert isinstance(kept, EmailMessage)
    bodies = [str(part.get_content()) for part in kept.walk() if part.get_content_maintype() == "text"]
    said = [repr(found.headers), found.subject, found.html, found.text, repr(kept.items())]
    return "\n".join([*said, *bodies])


def tokens_of(mail: Delivery) -> list[str]:
    links = links_of(mail, tracking=True)
    return [links.unsubscribe.rpartition("/")[2], links.preferences.rpartition("/")[2]]


def test_a_person_reads_their_own_mail_as_it_was_sent(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = tenant.add_user()
    mail = a_digest(tenant, user_id)
    found = view(Scope(tenant.business_id, user_id, Role.VIEWER), mail.id)
    assert found is not None
    assert dict(found.headers)["To"] == "María Ruiz <maria@example.com>"
    assert dict(found.headers)["Message-ID"] == "<one@example.com>"
    for words in (found.html, found.text):
        assert "Nordwind Energy chief executive steps down after nine years" in words
        assert "Ask who signs renewals until a successor is named." in words
        assert "Not relevant" in words
    assert found.subject == dict(found.headers)["Subject"]
    assert rows(tenant, AuditLog, action=READ) == [], "one's own mail is nobody else's business"


def test_nothing_that_acts_leaves(tenant: Tenant) -> None:
    user_id = tenant.add_user()
    mail = a_digest(tenant, user_id)
    found = view(Scope(tenant.business_id, user_id, Role.VIEWER), mail.id)
    assert found is not None
    told = everything(found)
    for token in tokens_of(mail):
        assert token not in told
    assert not re.search(r"[\w-]{20,}\.[\w-]{20,}", told.replace("monitor.example", "")), (
        "no token of any purpose"
    )
    page = Page(found.html)
    assert not page.attributes & {"href", "src"}
    assert "img" not in page.tags, "the pixel is gone"
    assert "https://monitor.example/web/unsubscribe/" + HIDDEN in found.text
    assert dict(found.headers)["List-Unsubscribe"] == f"<https://monitor.example/web/unsubscribe/{HIDDEN}>"


def test_a_publishers_address_is_nobodys_secret(tenant: Tenant) -> None:
    user_id = tenant.add_user()
    mail = add_mail(tenant, user_id)
    keep(tenant, mail, bytes_of(render(sample_letter("daily", "Northgate", Look()))))
    found = view(tenant.scope, mail.id)
    assert found is not None
    assert "https://news.example.com/nordwind" in found.text


@pytest.mark.parametrize(
    "link",
    [
        "https://monitor.example/web/account/invitation/Zm9vYmFyYmF6cXV4Zm9vYmFy.c2lnbmF0dXJl",
        "https://old.example/accept?token=8f14e45fceea167a5a36dedd4bea2543",
        "https://monitor.example/reset#oneTimeTokenThatHasNoDigits",
        "oneTimeCodeWithoutAnyAddress",
        "8f14e45fceea167a5a36dedd4bea2543",
    ],
)
def test_the_one_time_link_of_an_invitation_stays_in_the_mail(tenant: Tenant, link: str) -> None:
    tenant.add_user()
    [person] = rows(tenant, User)
    mail_id = post(
        tenant.scope,
        person,
        DeliveryKind.SYSTEM,
        "invitation:1",
        heading="You are invited to Client Monitor",
        body=("Open this within seven days:", link),
        at=NOW,
    )
    assert mail_id is not None
    found = view(tenant.scope, mail_id)
    assert found is not None
    told = everything(found)
    secret = re.split(r"[/=#]", link)[-1]
    assert secret not in told
    assert "Open this within seven days:" in found.html
    assert HIDDEN in found.html
    assert HIDDEN in found.text


def test_others_mail_is_the_admins_alone_and_each_look_is_written_down(tenant: Tenant) -> None:
    maria, kim = tenant.add_user(), tenant.add_user("kim@example.com")
    mail = a_digest(tenant, maria)
    for role in (Role.MANAGER, Role.VIEWER):
        with pytest.raises(PermissionError):
            view(Scope(tenant.business_id, kim, role), mail.id)
        with pytest.raises(PermissionError):
            view(Scope(tenant.business_id, kim, role), uuid4())
    assert rows(tenant, AuditLog, action=READ) == []
    assert view(Scope(tenant.business_id, kim, Role.ADMIN), mail.id) is not None
    [line] = rows(tenant, AuditLog, action=READ)
    assert (line.actor_id, line.subject, line.details) == (kim, str(mail.id), {"reader": str(maria)})


def test_a_mail_to_a_bare_address_is_nobodys_own(tenant: Tenant) -> None:
    kim = tenant.add_user("kim@example.com")
    mail = a_digest(tenant, None)
    with pytest.raises(PermissionError):
        view(Scope(tenant.business_id, kim, Role.VIEWER), mail.id)
    assert view(tenant.scope, mail.id) is not None
    assert len(rows(tenant, AuditLog, action=READ)) == 1


def test_another_tenants_mail_is_none(tenant: Tenant) -> None:
    mail = a_digest(tenant, tenant.add_user())
    with pytest.raises(UserError, match="there is no mail"):
        view(another_tenant().scope, mail.id)


def test_what_is_no_longer_kept_is_none_and_no_look(tenant: Tenant) -> None:
    mail = a_digest(tenant, tenant.add_user(), store=False)
    assert view(tenant.scope, mail.id) is None
    assert rows(tenant, AuditLog, action=READ) == []


HOSTILE = [
    "<script>alert(1)</script><p>text</p>",
    "<p onclick=alert(1) onmouseover='x'>text</p>",
    "<a href='javascript:alert(1)' target=_top>text</a>",
    "<a href=https://evil.example ping=https://evil.example>text</a>",
    "<img src=https://evil.example/x.gif>text",
    "<img src='cid:logo@x' srcset='https://evil.example/2x 2x' onerror=alert(1)>text",
    "<img src=data:image/svg+xml;base64,PHN2Zy8+>text",
    "<iframe src=//evil.example></iframe><p>text",
    "<form action=//evil.example><input name=q><button>go</button></form>text",
    "<meta http-equiv=refresh content='0;url=//evil.example'>text",
    "<base href=//evil.example/><link rel=stylesheet href=//evil.example>text",
    "<p style='background:url(//evil.example)'>text</p>",
    "<p style='background:u\\72l(//evil.example)'>text</p>",
    "<style>@import '//evil.example'; p{background:url(//evil.example)}</style>text",
    "<svg onload=alert(1)><a xlink:href=//evil.example>x</a></svg>text",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table></mtext></math><p>text",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>text",
    "<textarea></textarea><img src=x onerror=alert(1)>text",
    "<!--[if mso]><script>alert(1)</script><![endif]-->text",
    "<object data=//evil.example></object><embed src=//evil.example>text",
    "<table background=//evil.example><tr><td>text",
    "<video poster=//evil.example src=//evil.example></video>text",
    "<body background=//evil.example onload=alert(1)>text",
    "<template><img src=//evil.example></template>text",
    "<xmp><img src=//evil.example></xmp>text",
    "<title><img src=//evil.example></title>text",
    "<p>" * 5000 + "text",
    "<div>" * 200 + "text" + "<div>" * 5000,
    "\x00text\ud800",
]
_ALLOWED = re.compile(
    r"(?s)<(script|iframe|svg|math|form|input|object|embed|base|link|video|template|noscript)\b"
)


@pytest.mark.parametrize("html", HOSTILE)
def test_a_hostile_page_is_shown_as_words(html: str) -> None:
    safe = harmless(html, {"logo@x": Inline("image/png", PNG)}, str)
    page = Page(safe)
    assert "text" in page.text
    assert not _ALLOWED.search(safe)
    assert not [name for name in page.attributes if name.startswith("on") or name in _LOADING]
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert "url(" not in safe
    assert "default-src 'none'" in safe


_LOADING = {
    "href",
    "action",
    "background",
    "poster",
    "ping",
    "srcset",
    "data",
    "target",
    "formaction",
    "xlink:href",
}


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(HOSTILE[:-3]),
            st.text(st.sampled_from("<>/\"'= abonsrchefimgty-!&;:(){}\\"), max_size=30),
        ),
        max_size=6,
    ).map("".join)
)
def test_no_page_keeps_what_a_browser_acts_on(html: str) -> None:
    page = Page(harmless(html, {}, str))
    assert page.tags <= {
        *(
            "html",
            "head",
            "title",
            "style",
            "body",
            "table",
            "thead",
            "tbody",
            "tfoot",
            "tr",
            "td",
            "th",
            "p",
        ),
        *(
            "div",
            "span",
            "a",
            "h1",
            "h2",
            "h3",
            "h4",
            "strong",
            "b",
            "em",
            "i",
            "small",
            "br",
            "hr",
            "ul",
            "ol",
        ),
        *("li", "center", "blockquote"),
    }
    assert not page.attributes & _LOADING
    assert not page.sources
    # Shown again it is the same: nothing changes its meaning on the way to the frame.
    assert Page(harmless(harmless(html, {}, str), {}, str)).tags <= page.tags | {"meta"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\xff" * 100,
        b"Content-Type: text/html; charset=no-such\r\n\r\n<p>text",
        b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n***not base64***",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>cut off",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: text/html\r\n\r\n<p>inner",
        b"Content-Type: application/x-evil\r\n\r\n\x00\x01",
        b"Subject: =?utf-8?b?////?=\r\nTo: x\r\n y\r\n\r\n.",
        b"List-Unsubscribe: <https://monitor.example/web/unsubscribe/"
        + b"x" * 40
        + b"."
        + b"y" * 22
        + b">\r\n\r\n.",
    ],
)
def test_bytes_of_any_kind_are_shown_or_left_out_but_never_break(db: object, data: bytes) -> None:
    mail = Delivery(business_id=uuid4(), recipient="a@example.com", kind=DeliveryKind.DIGEST, slot="x")
    found = shown(data, mail)
    assert b"x" * 40 not in found.eml
    assert b"x-evil" not in found.eml


def test_an_image_in_the_mail_is_shown_from_the_mail() -> None:
    page = harmless(
        '<img src="cid:a@x" alt="Acme"><img src="cid:b@x">', {"a@x": Inline("image/png", PNG)}, str
    )
    assert Page(page).sources == [Inline("image/png", PNG).uri]
    assert 'alt="Acme"' in page
    assert (
        Page(harmless('<img src="cid:a@x">', {"a@x": Inline("image/svg+xml", b"<svg/>")}, str)).sources == []
    )


def test_the_file_reads_back_as_the_same_mail(tenant: Tenant) -> None:
    mail = a_digest(tenant, tenant.add_user())
    found = view(tenant.scope, mail.id)
    assert found is not None
    kept = message_from_bytes(found.eml, policy=policy.default)
    assert kept["To"].addresses[0].addr_spec == "maria@example.com"
    assert [part.get_content_type() for part in kept.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert found.file_name.endswith(".eml")

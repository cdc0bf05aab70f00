from datetime import timedelta
from conftest import *
from postbox import *
from newsroom import add_event, plan_for
from models.base import utc_now
from models.scope import Role
from services.engagement import set_tracking
from models.accounts import Business
from models.events import Category
def test_shots(tenant):
    from playwright.sync_api import sync_playwright
    c = tenant.add_client("Velora Steel")
    m = tenant.add_user(clients=(c,))
    e = add_event(tenant,c,"Velora Steel raises 40 million euros to build a green furnace in Finland", at=utc_now()-timedelta(hours=3))
    for t in ("Velora closes a credit line of 25 million with two Nordic banks","Velora: investors commit to second round"):
        add_event(tenant,c,t,at=utc_now()-timedelta(days=5))
    set_tracking(tenant.scope, True)
    from desk import change
    mail = add_mail(tenant,m); l=links_of(mail)
    d = Door.open()
    pages = {"unsub":d.get(l.unsubscribe),"notrel":d.get(l.not_relevant(e)),"wrong":d.get(l.wrong_company(e)),"useful":d.post(l.useful(e),do="say"),"mute":d.post(l.mute(c),do="mute"),
      "prefs":d.post(l.preferences,do="stop:event_notification"),"stopped":d.post(l.unsubscribe,do="stop-all"),"gone":d.get(l.unsubscribe[:-3]+"AAA")}
    import os
    with sync_playwright() as p:
        b = p.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox","--disable-dev-shm-usage"])
        for scheme in ("light","dark"):
            for w,h in ((390,760),(1100,700)):
                ctx=b.new_context(viewport={"width":w,"height":h},color_scheme=scheme)
                pg=ctx.new_page()
                for n,r in pages.items():
                    if n in ("wrong","useful","mute") and (scheme,w)!=("light",390): continue
                    pg.set_content(r.text); pg.screenshot(path=f"/tmp/gshots/{n}-{scheme}-{w}.png")
        b.close()
    # one montage per scheme

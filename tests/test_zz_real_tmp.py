import threading, uvicorn, socket, time
from datetime import timedelta
from conftest import *
from postbox import *
from newsroom import add_event
from models.base import utc_now
from web.app import create_app
from starlette.applications import Starlette
from starlette.routing import Mount
def test_real(tenant):
    from playwright.sync_api import sync_playwright
    s=socket.socket(); s.bind(("127.0.0.1",0)); port=s.getsockname()[1]; s.close()
    st=settings_with(public_url=f"http://127.0.0.1:{port}")
    c = tenant.add_client("Velora Steel"); m = tenant.add_user(clients=(c,))
    e = add_event(tenant,c,"Velora Steel raises 40 million euros to build a green furnace in Finland", at=utc_now()-timedelta(hours=3))
    add_event(tenant,c,"Velora closes a round", at=utc_now()-timedelta(days=3))
    mail=add_mail(tenant,m); l=links_of(mail,settings=st)
    srv=uvicorn.Server(uvicorn.Config(Starlette(routes=[Mount("/web",create_app(st))]),port=port,log_level="warning"))
    t=threading.Thread(target=srv.run,daemon=True); t.start()
    while not srv.started: time.sleep(.05)
    said=[]
    with sync_playwright() as p:
        b=p.chromium.launch(executable_path="/usr/bin/chromium",args=["--no-sandbox","--disable-dev-shm-usage"])
        pg=b.new_page(viewport={"width":390,"height":760}); pg.on("console",lambda x:said.append(x.text))
        pg.goto(l.not_relevant(e)); pg.screenshot(path="/tmp/gshots/real1.png")
        pg.get_by_role("button",name="Not relevant to me").click(); pg.screenshot(path="/tmp/gshots/real2.png")
        pg.get_by_role("button",name="Undo").click()
        pg.goto(l.unsubscribe); pg.get_by_role("button",name="Stop digests").click(); pg.screenshot(path="/tmp/gshots/real3.png")
        pg.goto(l.preferences); pg.get_by_role("button",name="Resume: Digests").click()
        pg.screenshot(path="/tmp/gshots/real4.png")
        b.close()
    srv.should_exit=True; t.join()
    print(said); assert not [x for x in said if "favicon" not in x], said

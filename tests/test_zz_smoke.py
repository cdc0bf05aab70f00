import time
from conftest import *
from newsroom import *
from models.settings import get_settings
from tasks.filter.stage import filter_batch
from tasks.notify.stage import notify_batch, digest_batch
from tasks.notify.transports.file import FileTransport
import cProfile, pstats
def test_fast(tenant):
    ids=[tenant.add_client(f"C{i}") for i in range(20)]
    for k in range(4): tenant.add_user(f"u{k}@example.com", clients=tuple(ids))
    add_many_events(tenant, ids, 2000)
    plan=plan_for(tenant)
    p=cProfile.Profile(); p.enable()
    t=time.time(); r=filter_batch(plan,2000); print(r, time.time()-t)
    p.disable(); pstats.Stats(p).sort_stats("cumtime").print_stats(25)
    p=cProfile.Profile(); p.enable()
    t=time.time(); r=digest_batch(tenant.business_id, NOW, transport=FileTransport(get_settings())); print(r, time.time()-t)
    p.disable(); pstats.Stats(p).sort_stats("cumtime").print_stats(45)

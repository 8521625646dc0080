"""What Samba's own client makes of a server's answer to a ping: finddc.py ADDRESS DOMAIN FLAG... prints JSON.

FLAGs are names of nbt.NBT_SERVER_*: the server must have them, as samba-tool asks when it joins a domain.
"""

import json
import sys

from samba.credentials import Credentials
from samba.dcerpc import nbt
from samba.net import Net
from samba.param import LoadParm


def main(address, domain, *flags):
    lp = LoadParm()
    wanted = 0
    for flag in flags:
        wanted |= getattr(nbt, f"NBT_SERVER_{flag}")
    found = Net(Credentials(), lp).finddc(address=address, domain=domain, flags=wanted)
    print(json.dumps({
        "flags": found.server_type,
        "domain_guid": str(found.domain_uuid),
        "forest": found.forest,
        "dns_domain": found.dns_domain,
        "dc": found.pdc_dns_name,
        "netbios_domain": found.domain_name,
        "netbios_name": found.pdc_name,
        "dc_site": found.server_site,
        "client_site": found.client_site,
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])

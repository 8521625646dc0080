#!/usr/bin/python3
"""key_change.py DIR NAME: the last change of an account's password in the lab in DIR, as Samba itself reads it, as JSON."""

import datetime
import json
import os
import sys

import ldb
from samba.auth import system_session
from samba.dcerpc import drsblobs, drsuapi
from samba.ndr import ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

# Samba tells times in 100 ns since 1601.
EPOCH = datetime.datetime(1601, 1, 1, tzinfo=datetime.timezone.utc)


def main():
    folder, name = sys.argv[1:]
    lp = LoadParm()
    lp.load(os.path.join(folder, "etc/smb.conf"))
    db = SamDB(os.path.join(folder, "private/sam.ldb"), session_info=system_session(lp), lp=lp)
    account, = db.search(expression=f"(sAMAccountName={name})", attrs=["replPropertyMetaData"])
    stored = ndr_unpack(drsblobs.replPropertyMetaDataBlob, account["replPropertyMetaData"][0])
    change, = [stamp for stamp in stored.ctr.array if stamp.attid == drsuapi.DRSUAPI_ATTID_unicodePwd]
    database, = db.search(db.get_config_basedn(), ldb.SCOPE_SUBTREE,
                          f"(&(objectClass=nTDSDSA)(invocationId={change.originating_invocation_id}))", ["cn"])
    server, = db.search(database.dn.parent(), ldb.SCOPE_BASE, attrs=["dNSHostName"])
    at = EPOCH + datetime.timedelta(seconds=change.originating_change_time // 10**7)
    print(json.dumps({"version": change.version, "usn": change.originating_usn, "at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                      "server": str(server["dNSHostName"])}))


if __name__ == "__main__":
    main()

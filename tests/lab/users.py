#!/usr/bin/python3
"""users.py DIR COUNT: ordinary users load00001 to loadCOUNT in the lab in DIR, which may be running.

They are for load, so that there is nothing to them: Domain Users, which the good branch may reveal, and one password.
`DIR/load-users` lists all of them, `name SID` a line. Those that are there already stay; none is removed.
"""

import os
import sys

import ldb
from samba import dsdb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

import accounts

BYPASS_PASSWORD_HASH = f"local_oid:{dsdb.DSDB_CONTROL_BYPASS_PASSWORD_HASH_OID}:0"
RELAX = "relax:0"
# Deriving the keys of a password takes 20 ms. One user's are everybody's: no user of a load ever shows them.
KEYS = ("unicodePwd", "supplementalCredentials", "pwdLastSet")


def main():
    folder, count = sys.argv[1], int(sys.argv[2])
    os.umask(0o077)
    lp = LoadParm()
    lp.load(os.path.join(folder, "etc/smb.conf"))
    # Otherwise each addition keeps a copy of the index that it could be undone with, and the lists there are as long as
    # there are users. It cannot be undone by itself now: an error ends this program, and the transaction with it.
    url = os.path.join(folder, "private/sam.ldb")
    db = SamDB(url, session_info=system_session(lp), lp=lp, options=["batch_mode:1"])
    there = {name for name, _ in load_users(db)}
    missing = [name for number in range(1, count + 1) if (name := f"load{number:05}") not in there]
    if missing:
        db.transaction_start()
        add_users(db, missing)
        db.transaction_commit()
    with open(os.path.join(folder, "load-users.new"), "w", encoding="utf-8") as file:
        file.writelines(f"{name} {sid}\n" for name, sid in sorted(load_users(db)))
    os.rename(os.path.join(folder, "load-users.new"), os.path.join(folder, "load-users"))


def load_users(db):
    for entry in db.search(db.domain_dn(), ldb.SCOPE_SUBTREE, "(sAMAccountName=load*)", ["sAMAccountName", "objectSid"]):
        yield str(entry["sAMAccountName"][0]), str(ndr_unpack(security.dom_sid, entry["objectSid"][0]))


def add_users(db, names):
    def dn(name):
        return f"CN={name},CN=Users,{db.domain_dn()}"

    def entry(name):
        return {"dn": dn(name), "objectClass": "user", "sAMAccountName": name,
                "userAccountControl": str(accounts.UF_NORMAL_ACCOUNT)}

    first, *others = names
    db.add({**entry(first), "unicodePwd": f'"{accounts.PASSWORD}"'.encode("utf-16-le")})
    stored = db.search(dn(first), ldb.SCOPE_BASE, attrs=list(KEYS))[0]
    keys = {name: stored[name][0] for name in KEYS}
    for name in others:
        db.add({**entry(name), **keys}, controls=[BYPASS_PASSWORD_HASH, RELAX])


if __name__ == "__main__":
    main()

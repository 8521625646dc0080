#!/usr/bin/python3
"""modify.py DIR LDIF: makes changes, given as LDIF change records, in the lab in DIR, which may be running."""

import os
import sys

from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB


def main():
    folder, ldif = sys.argv[1:]
    lp = LoadParm()
    lp.load(os.path.join(folder, "etc/smb.conf"))
    db = SamDB(os.path.join(folder, "private/sam.ldb"), session_info=system_session(lp), lp=lp)
    db.modify_ldif(ldif)


if __name__ == "__main__":
    main()

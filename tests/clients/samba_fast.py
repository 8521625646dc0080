#!/usr/bin/python3
"""An armoured TGS-REQ by Samba's own tests of a KDC, which look at the answer as strictly as at Windows'.

Samba runs these tests against Windows too; with STRICT_CHECKING they demand what Windows does, down to the order of the
padata. Here they get a partial TGT, and the answer is checked by them: how it is armoured, what is in the armour, the
reply, the ticket and its PAC.

Reads one JSON object on standard input: kdc, port, realm, client, sid, ticket, session_key, krbtgt_key (hex),
krbtgt_kvno, supported_etypes; errors, the code expected, or none for a ticket; and of the request: fast_options (a string
of bits), subkey (whether there is one), inner (fields of the body in the armour, null to leave one out), armour (client,
ticket and session_key of a ticket of its own as armour), edata (whether an error has e-data, if that is not for the
checks to know). Exit status 0 if all checks hold; else they say what does
not. Needs Samba's Python modules (python3-samba) and pyasn1.
"""

import json
import os
import sys

CASE = json.load(sys.stdin)
os.environ.update(
    SERVER=CASE["kdc"],
    DC_SERVER=CASE["kdc"],
    STRICT_CHECKING="1",
    FAST_SUPPORT="1",
    # A KDC of its own, which issues no claims.
    CLAIMS_SUPPORT="0",
    COMPOUND_ID_SUPPORT="0",
    TKT_SIG_SUPPORT="1",
    FULL_SIG_SUPPORT="1",
    EXPECT_EXTRA_PAC_BUFFERS="1",
)

# Only now: they read the environment.
from samba.tests.krb5 import kcrypto  # noqa: E402
from samba.tests.krb5 import rfc4120_pyasn1 as asn1  # noqa: E402
from samba.tests.krb5.raw_testcase import (  # noqa: E402
    KerberosTicketCreds, Krb5EncryptionKey, RawKerberosTest)
from samba.tests.krb5.rfc4120_constants import (  # noqa: E402
    FX_FAST_ARMOR_AP_REQUEST, NT_PRINCIPAL, NT_SRV_INST)

BRANCH_AWARE = "01"


class ArmouredExchange(RawKerberosTest):
    def connect(self, host, port=None):
        super().connect(host, CASE["port"])

    # Where the tests ask for the keys of an account, they get those given.
    def get_krbtgt_creds(self):
        return None

    def TicketDecryptionKey_from_creds(self, _creds, etype=None):
        return self.krbtgt_key()

    def krbtgt_key(self):
        return self.SessionKey_create(
            kcrypto.Enctype.AES256, bytes.fromhex(CASE["krbtgt_key"]), CASE["krbtgt_kvno"])

    def credentials(self, given):
        return KerberosTicketCreds(
            self.der_decode(bytes.fromhex(given["ticket"]), asn1Spec=asn1.Ticket()),
            self.SessionKey_create(kcrypto.Enctype.AES256, bytes.fromhex(given["session_key"])),
            crealm=CASE["realm"],
            cname=self.PrincipalName_create(NT_PRINCIPAL, [given["client"]]),
        )

    def runTest(self):
        realm = CASE["realm"]
        krbtgt = self.PrincipalName_create(NT_SRV_INST, ["krbtgt", realm])
        tgt = self.credentials(CASE)
        subkey = self.RandomKey(kcrypto.Enctype.AES256)
        armor_key = self.generate_armor_key(subkey, tgt.session_key)
        armor_tgt = armor_subkey = None
        if explicit := CASE.get("armour"):
            armor_tgt, armor_subkey = self.credentials(explicit), self.RandomKey(kcrypto.Enctype.AES256)
            explicit_key = self.generate_armor_key(armor_subkey, armor_tgt.session_key)
            armor_key = Krb5EncryptionKey(
                kcrypto.cf2(explicit_key.key, subkey.key, b"explicitarmor", b"tgsarmor"), None)
        # hide-client-names
        hidden = CASE.get("fast_options", "")[1:2] == "1"
        errors = CASE.get("errors", [])

        def armour(*arguments):
            return self.generate_simple_fast(*arguments, fast_options=CASE.get("fast_options", ""))

        exchange = self.tgs_exchange_dict(
            expected_crealm=realm,
            expected_cname=tgt.cname,
            expected_anon=hidden,
            expected_srealm=realm,
            expected_sname=krbtgt,
            expected_account_name=CASE["client"],
            expected_sid=CASE["sid"],
            expected_supported_etypes=CASE["supported_etypes"],
            ticket_decryption_key=self.krbtgt_key(),
            generate_fast_fn=armour,
            generate_fast_armor_fn=self.generate_ap_req if armor_tgt else None,
            fast_armor_type=FX_FAST_ARMOR_AP_REQUEST if armor_tgt else None,
            armor_tgt=armor_tgt,
            armor_subkey=armor_subkey,
            check_error_fn=self.generic_check_kdc_error if errors else None,
            check_rep_fn=None if errors else self.generic_check_kdc_rep,
            check_kdc_private_fn=self.generic_check_kdc_private,
            expected_error_mode=tuple(errors),
            tgt=tgt,
            armor_key=armor_key,
            authenticator_subkey=subkey if CASE.get("subkey", True) else None,
            kdc_options=str(asn1.KDCOptions("canonicalize")),
            pac_options=BRANCH_AWARE,
            inner_req=CASE.get("inner"),
            expect_edata=CASE.get("edata"),
            expect_claims=False,
            expect_pac_attrs=True,
            expect_pac_attrs_pac_request=True,
            expect_requester_sid=True,
        )
        self._generic_kdc_exchange(
            exchange, realm=realm, sname=krbtgt, etypes=(kcrypto.Enctype.AES256, kcrypto.Enctype.AES128))


if __name__ == "__main__":
    import unittest

    outcome = unittest.TextTestRunner(verbosity=0).run(unittest.TestSuite([ArmouredExchange()]))
    sys.exit(not outcome.wasSuccessful())

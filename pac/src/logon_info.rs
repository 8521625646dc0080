//! KERB_VALIDATION_INFO ([MS-PAC] 2.5), the PAC's buffer of type 1: who the user is, and the groups.

use crate::filetime::FileTime;
use crate::ndr::{NdrError, Reader, Writer};
use crate::sid::Sid;

/// UserFlags bit: `extra_sids` is not empty. Set in `windows-server-2022/tgt-pac.bin`.
pub const LOGON_EXTRA_SIDS: u32 = 0x20;

/// UserFlags bit: `resource_groups` is there. Never in a TGT ([MS-PAC] 2.5).
pub const LOGON_RESOURCE_GROUPS: u32 = 0x200;

/// Group attributes: mandatory, enabled by default, enabled ([MS-PAC] 2.2.1). So are all groups of all captures.
pub const GROUP_ENABLED: u32 = 0x7;

/// MaximumLength minus Length of the account's strings: no room for a NUL, in every capture.
const EXACT: u16 = 0;

/// The same of LogonServer and LogonDomainName: room for a NUL that is never there, in every capture. See
/// `windows-server-2022/tgt-pac.bin`: Length 18, MaximumLength 20 for `WIN2K22-1`.
const WITH_NUL: u16 = 2;

/// Octets that an element of a group array takes, and an element of the extra SIDs: pointer and attributes, and
/// at least 12 octets of SID behind the array.
const GROUP_LEN: usize = 8;
const EXTRA_SID_MIN_LEN: usize = 20;

/// A group of the domain by its RID ([MS-PAC] 2.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupMembership {
    /// The group's RID in the domain that its array belongs to.
    pub rid: u32,
    /// SE_GROUP_* bits, usually [`GROUP_ENABLED`].
    pub attributes: u32,
}

/// A group of any domain by its SID ([MS-PAC] 2.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SidAndAttributes {
    /// The group.
    pub sid: Sid,
    /// SE_GROUP_* bits, usually [`GROUP_ENABLED`].
    pub attributes: u32,
}

/// Groups of the resource domain: in service tickets only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceGroups {
    /// The domain whose groups they are.
    pub domain: Sid,
    /// Its groups.
    pub groups: Vec<GroupMembership>,
}

/// KERB_VALIDATION_INFO: all fields but the reserved ones, in the structure's order.
///
/// Groups and SIDs keep the order they are given. `windows-server-2022/testuser.ldif` shows which attribute of
/// the account each field comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogonInfo {
    /// The account's last logon before this one; zero if there was none.
    pub logon_time: FileTime,
    /// When the client should log off; [`FileTime::NEVER`] unless logon hours end.
    pub logoff_time: FileTime,
    /// When the client is made to log off.
    pub kick_off_time: FileTime,
    /// When the password was set; zero if it must be changed at the next logon.
    pub password_last_set: FileTime,
    /// When the password may be changed.
    pub password_can_change: FileTime,
    /// When the password expires.
    pub password_must_change: FileTime,
    /// sAMAccountName.
    pub effective_name: String,
    /// displayName.
    pub full_name: String,
    /// scriptPath.
    pub logon_script: String,
    /// profilePath.
    pub profile_path: String,
    /// homeDirectory.
    pub home_directory: String,
    /// homeDrive.
    pub home_directory_drive: String,
    /// logonCount, its low 16 bits.
    pub logon_count: u16,
    /// badPwdCount, its low 16 bits.
    pub bad_password_count: u16,
    /// The account's RID.
    pub user_id: u32,
    /// The primary group's RID.
    pub primary_group_id: u32,
    /// Groups of the account's own domain.
    pub groups: Vec<GroupMembership>,
    /// UserFlags. [`LogonInfo::encode`] adds the two bits that say which arrays are there, so 0 will do.
    pub user_flags: u32,
    /// UserSessionKey: zeros in Kerberos.
    pub user_session_key: [u8; 16],
    /// NetBIOS name of the domain controller, without backslashes.
    pub logon_server: String,
    /// NetBIOS name of the domain.
    pub logon_domain_name: String,
    /// SID of the domain.
    pub logon_domain_id: Sid,
    /// userAccountControl in the bits of SAM ([MS-SAMR] 2.2.1.12), which are not the directory's.
    pub user_account_control: u32,
    /// SubAuthStatus: zero.
    pub sub_auth_status: u32,
    /// LastSuccessfulILogon: zero in every capture.
    pub last_successful_interactive_logon: FileTime,
    /// LastFailedILogon: zero in every capture.
    pub last_failed_interactive_logon: FileTime,
    /// FailedILogonCount: zero in every capture.
    pub failed_interactive_logon_count: u32,
    /// Groups of other domains, SID history, well-known SIDs.
    pub extra_sids: Vec<SidAndAttributes>,
    /// Groups of the resource domain: `None` in a TGT.
    pub resource_groups: Option<ResourceGroups>,
}

impl LogonInfo {
    /// The buffer, a multiple of 8 octets, as Windows writes it. An empty array is a null pointer; an empty
    /// string is a pointer to no characters; reserved fields are zero.
    ///
    /// # Errors
    /// [`NdrError::TooLong`] for a string of more than 65,535 octets or a longer array than 32 bits can count.
    pub fn encode(&self) -> Result<Vec<u8>, NdrError> {
        let mut writer = Writer::new();
        self.write_fields(&mut writer)?;
        self.write_referents(&mut writer)?;
        writer.finish()
    }

    fn write_fields(&self, writer: &mut Writer) -> Result<(), NdrError> {
        for time in [
            self.logon_time,
            self.logoff_time,
            self.kick_off_time,
            self.password_last_set,
            self.password_can_change,
            self.password_must_change,
        ] {
            writer.file_time(time);
        }
        for text in self.account_strings() {
            writer.string_header(text, EXACT)?;
        }
        writer.u16(self.logon_count);
        writer.u16(self.bad_password_count);
        writer.u32(self.user_id);
        writer.u32(self.primary_group_id);
        writer.count(self.groups.len())?;
        writer.pointer(!self.groups.is_empty());
        writer.u32(self.encoded_user_flags());
        writer.octets(&self.user_session_key);
        writer.string_header(&self.logon_server, WITH_NUL)?;
        writer.string_header(&self.logon_domain_name, WITH_NUL)?;
        writer.pointer(true);
        writer.octets(&[0; 8]); // Reserved1
        writer.u32(self.user_account_control);
        writer.u32(self.sub_auth_status);
        writer.file_time(self.last_successful_interactive_logon);
        writer.file_time(self.last_failed_interactive_logon);
        writer.u32(self.failed_interactive_logon_count);
        writer.u32(0); // Reserved3
        writer.count(self.extra_sids.len())?;
        writer.pointer(!self.extra_sids.is_empty());
        writer.pointer(self.resource_groups.is_some());
        let resource_groups = self.resource_groups.as_ref().map_or(&[][..], |resource| &resource.groups);
        writer.count(resource_groups.len())?;
        writer.pointer(!resource_groups.is_empty());
        Ok(())
    }

    fn write_referents(&self, writer: &mut Writer) -> Result<(), NdrError> {
        for text in self.account_strings() {
            writer.string(text, EXACT)?;
        }
        write_groups(writer, &self.groups)?;
        writer.string(&self.logon_server, WITH_NUL)?;
        writer.string(&self.logon_domain_name, WITH_NUL)?;
        writer.sid(&self.logon_domain_id)?;
        if !self.extra_sids.is_empty() {
            writer.count(self.extra_sids.len())?;
            for extra in &self.extra_sids {
                writer.pointer(true);
                writer.u32(extra.attributes);
            }
        }
        for extra in &self.extra_sids {
            writer.sid(&extra.sid)?;
        }
        if let Some(resource) = &self.resource_groups {
            writer.sid(&resource.domain)?;
            write_groups(writer, &resource.groups)?;
        }
        Ok(())
    }

    fn account_strings(&self) -> [&str; 6] {
        [
            &self.effective_name,
            &self.full_name,
            &self.logon_script,
            &self.profile_path,
            &self.home_directory,
            &self.home_directory_drive,
        ]
    }

    fn encoded_user_flags(&self) -> u32 {
        let extra = if self.extra_sids.is_empty() { 0 } else { LOGON_EXTRA_SIDS };
        let resource = if self.resource_groups.is_none() { 0 } else { LOGON_RESOURCE_GROUPS };
        self.user_flags | extra | resource
    }

    /// Reads the buffer. Reserved fields and MaximumLengths are not kept; what Windows sent encodes to the same
    /// octets again. Memory is at most a small multiple of the input's length, the stack constant.
    ///
    /// # Errors
    /// [`NdrError`] names the first rule the octets break.
    pub fn decode(buffer: &[u8]) -> Result<Self, NdrError> {
        let mut reader = Reader::new(buffer)?;
        let r = &mut reader;

        let times = read_array::<_, 6>(|| r.file_time())?;
        let headers = read_array::<_, 6>(|| r.string_header())?;
        let (logon_count, bad_password_count) = (r.u16()?, r.u16()?);
        let (user_id, primary_group_id) = (r.u32()?, r.u32()?);
        let (group_count, has_groups) = (r.u32()?, r.pointer()?);
        let (user_flags, user_session_key) = (r.u32()?, r.array()?);
        let [server_header, domain_header] = read_array::<_, 2>(|| r.string_header())?;
        let has_domain_id = r.pointer()?;
        let _reserved1 = r.array::<8>()?;
        let (user_account_control, sub_auth_status) = (r.u32()?, r.u32()?);
        let [last_successful_interactive_logon, last_failed_interactive_logon] =
            read_array::<_, 2>(|| r.file_time())?;
        let failed_interactive_logon_count = r.u32()?;
        let _reserved3 = r.u32()?;
        let (sid_count, has_extra_sids) = (r.u32()?, r.pointer()?);
        let has_resource_domain = r.pointer()?;
        let (resource_count, has_resource_groups) = (r.u32()?, r.pointer()?);

        let mut headers = headers.iter();
        let strings =
            read_array::<_, 6>(|| headers.next().map_or(Ok(String::new()), |header| r.string(header)))?;
        let groups = read_groups(r, group_count, has_groups)?;
        let logon_server = r.string(&server_header)?;
        let logon_domain_name = r.string(&domain_header)?;
        if !has_domain_id {
            return Err(NdrError::NullPointer);
        }
        let logon_domain_id = r.sid()?;
        let extra_sids = read_extra_sids(r, sid_count, has_extra_sids)?;
        let resource_domain = if has_resource_domain { Some(r.sid()?) } else { None };
        let resource_groups = read_groups(r, resource_count, has_resource_groups)?;
        let resource_groups = match resource_domain {
            Some(domain) => Some(ResourceGroups { domain, groups: resource_groups }),
            None if resource_groups.is_empty() => None,
            None => return Err(NdrError::NullPointer),
        };
        reader.finish()?;

        let [
            logon_time,
            logoff_time,
            kick_off_time,
            password_last_set,
            password_can_change,
            password_must_change,
        ] = times;
        let [effective_name, full_name, logon_script, profile_path, home_directory, home_directory_drive] =
            strings;
        Ok(Self {
            logon_time,
            logoff_time,
            kick_off_time,
            password_last_set,
            password_can_change,
            password_must_change,
            effective_name,
            full_name,
            logon_script,
            profile_path,
            home_directory,
            home_directory_drive,
            logon_count,
            bad_password_count,
            user_id,
            primary_group_id,
            groups,
            user_flags,
            user_session_key,
            logon_server,
            logon_domain_name,
            logon_domain_id,
            user_account_control,
            sub_auth_status,
            last_successful_interactive_logon,
            last_failed_interactive_logon,
            failed_interactive_logon_count,
            extra_sids,
            resource_groups,
        })
    }
}

fn write_groups(writer: &mut Writer, groups: &[GroupMembership]) -> Result<(), NdrError> {
    if groups.is_empty() {
        return Ok(());
    }
    writer.count(groups.len())?;
    for group in groups {
        writer.u32(group.rid);
        writer.u32(group.attributes);
    }
    Ok(())
}

fn read_groups(reader: &mut Reader<'_>, count: u32, present: bool) -> Result<Vec<GroupMembership>, NdrError> {
    if !present {
        return if count == 0 { Ok(Vec::new()) } else { Err(NdrError::NullPointer) };
    }
    let count = reader.array_count(count, GROUP_LEN)?;
    let mut groups = Vec::with_capacity(count);
    for _ in 0..count {
        groups.push(GroupMembership { rid: reader.u32()?, attributes: reader.u32()? });
    }
    Ok(groups)
}

/// The array of pointers and attributes comes first, then the SIDs.
fn read_extra_sids(
    reader: &mut Reader<'_>,
    count: u32,
    present: bool,
) -> Result<Vec<SidAndAttributes>, NdrError> {
    if !present {
        return if count == 0 { Ok(Vec::new()) } else { Err(NdrError::NullPointer) };
    }
    let count = reader.array_count(count, EXTRA_SID_MIN_LEN)?;
    let mut attributes = Vec::with_capacity(count);
    for _ in 0..count {
        if !reader.pointer()? {
            return Err(NdrError::NullPointer);
        }
        attributes.push(reader.u32()?);
    }
    let sid_and_attributes = |attributes| reader.sid().map(|sid| SidAndAttributes { sid, attributes });
    attributes.into_iter().map(sid_and_attributes).collect()
}

/// `N` values of the same kind, in order.
fn read_array<T, const N: usize>(mut read: impl FnMut() -> Result<T, NdrError>) -> Result<[T; N], NdrError> {
    let mut values = Vec::with_capacity(N);
    for _ in 0..N {
        values.push(read()?);
    }
    values.try_into().map_err(|_| NdrError::Truncated)
}

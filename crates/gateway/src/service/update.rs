//! What an update of a partner asks for: a mask says which fields, as AIP-134 has it.

use coalition_domain::PartnerId;
use coalition_domain::decide::RegistryChange;
use coalition_proto::partner::v1::Partner;
use prost_types::FieldMask;

use super::partner::label;
use crate::convert::name;
use crate::status::Failure;

/// Which fields of a partner change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Changes {
    display_name: bool,
    default_programme: bool,
}

/// Reads which partner is to be changed, and how.
pub(super) fn read(
    partner: Option<Partner>,
    mask: Option<FieldMask>,
) -> Result<(PartnerId, RegistryChange), Failure> {
    let partner = partner.ok_or_else(|| Failure::missing("partner"))?;
    let id = name::partner("partner.name", &partner.name)?;
    let changes = changes(mask, &partner)?;
    let display_name =
        changes.display_name.then(|| label("partner.display_name", partner.display_name)).transpose()?;
    let default_programme = match partner.default_programme.as_str() {
        _ if !changes.default_programme => None,
        "" => Some(None),
        programme => Some(Some(name::programme("partner.default_programme", programme)?)),
    };
    Ok((id, RegistryChange::UpdatePartner { id, display_name, default_programme }))
}

fn changes(mask: Option<FieldMask>, partner: &Partner) -> Result<Changes, Failure> {
    let Some(FieldMask { paths }) = mask.filter(|mask| !mask.paths.is_empty()) else {
        return Ok(Changes {
            display_name: !partner.display_name.is_empty(),
            default_programme: !partner.default_programme.is_empty(),
        });
    };
    let mut changes = Changes::default();
    for path in &paths {
        match path.as_str() {
            "display_name" => changes.display_name = true,
            "default_programme" => changes.default_programme = true,
            "*" => changes = Changes { display_name: true, default_programme: true },
            _ => {
                let why = "names a field that can't be changed; display_name and default_programme can";
                return Err(Failure::invalid("update_mask", why));
            }
        }
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use coalition_proto::r#type::v1::ErrorReason;

    use super::*;

    fn asked(name: &str, programme: &str, paths: &[&str]) -> Result<RegistryChange, ErrorReason> {
        let partner = Partner {
            name: "partners/shop".to_owned(),
            display_name: name.to_owned(),
            default_programme: programme.to_owned(),
            ..Partner::default()
        };
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let asked = read(Some(partner), Some(FieldMask { paths }));
        asked.map(|(_, change)| change).map_err(|failure| failure.reason)
    }

    #[test]
    fn a_mask_says_what_changes() {
        let change = |display_name: Option<&str>, default_programme: Option<Option<&str>>| {
            Ok(RegistryChange::UpdatePartner {
                id: "shop".parse().unwrap(),
                display_name: display_name.map(str::to_owned),
                default_programme: default_programme.map(|to| to.map(|to| to.parse().unwrap())),
            })
        };
        let (miles, set) = ("programmes/miles", Some(Some("miles")));
        for (name, programme, paths, expected) in [
            ("Shop", miles, &[][..], change(Some("Shop"), set)),
            ("Shop", "", &[], change(Some("Shop"), None)),
            ("", miles, &[], change(None, set)),
            ("Shop", miles, &["display_name"], change(Some("Shop"), None)),
            ("Shop", miles, &["default_programme"], change(None, set)),
            ("Shop", "", &["default_programme"], change(None, Some(None))),
            ("Shop", "", &["display_name", "default_programme"], change(Some("Shop"), Some(None))),
            ("Shop", miles, &["*"], change(Some("Shop"), set)),
            ("", miles, &["*"], Err(ErrorReason::FieldMissing)),
            ("Shop", "miles", &["*"], Err(ErrorReason::InvalidArgument)),
            ("Shop", miles, &["display_name", "name"], Err(ErrorReason::InvalidArgument)),
            ("Shop", miles, &["create_time"], Err(ErrorReason::InvalidArgument)),
        ] {
            assert_eq!(asked(name, programme, paths), expected, "{name:?} {programme:?} {paths:?}");
        }
    }
}

//! Rules of the API that buf has no check for, read from the descriptors.

use std::collections::BTreeMap;

use coalition_proto::FILE_DESCRIPTOR_SET;
use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorSet, MethodDescriptorProto};

fn descriptors() -> FileDescriptorSet {
    FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("the build wrote it")
}

/// Every message by its full name with a leading dot, as methods refer to it.
fn messages(set: &FileDescriptorSet) -> BTreeMap<String, &DescriptorProto> {
    let of_file = |file: &'_ prost_types::FileDescriptorProto| format!(".{}.", file.package());
    set.file
        .iter()
        .flat_map(|file| {
            file.message_type.iter().map(move |message| (of_file(file) + message.name(), message))
        })
        .collect()
}

fn has(message: &DescriptorProto, field: &str) -> bool {
    message.field.iter().any(|candidate| candidate.name() == field)
}

/// What is wrong with one method, by the first word of its name.
fn faults(
    method: &MethodDescriptorProto,
    request: &DescriptorProto,
    response: &DescriptorProto,
) -> Vec<String> {
    let wants = |message: &DescriptorProto, field: &str| {
        let fault = format!("{}: {} has no {field}", method.name(), message.name());
        (!has(message, field)).then_some(fault)
    };
    // A token is signed, and nothing of it recorded.
    let signs = method.name() == "CreateMemberToken";
    let verbs = [
        "Create", "Update", "Revoke", "Publish", "Refund", "Capture", "Release", "Approve", "Reject",
        "Suspend", "Resume", "Delete",
    ];
    let mutates = verbs.iter().any(|verb| method.name().starts_with(verb)) && !signs;
    let lists = method.name().starts_with("List");
    // Each event of a publication carries an id of its own.
    let by_event_id = method.name() == "PublishEvents";
    // Looks at no state of a shard, or at a topic of the log; reports each shard's position itself.
    let stateless = ["ValidateProgramme", "ListShards", "GetRejectedEvent", "ListRejectedEvents"];
    let stateless = stateless.contains(&method.name());

    let mut faults = Vec::new();
    if mutates && !by_event_id {
        faults.extend(wants(request, "request_id"));
        faults.extend(wants(response, "position"));
    }
    if lists {
        faults.extend(wants(request, "page_size"));
        faults.extend(wants(request, "page_token"));
        faults.extend(wants(response, "next_page_token"));
    }
    if !mutates && !stateless && !has(request, "min_positions") {
        faults.extend(wants(request, "min_position"));
    }
    faults
}

#[test]
fn the_descriptors_hold_every_service_and_no_other() {
    let set = descriptors();
    let mut services: Vec<String> = set
        .file
        .iter()
        .flat_map(|file| {
            file.service.iter().map(move |service| format!("{}.{}", file.package(), service.name()))
        })
        .collect();
    services.sort();
    assert_eq!(
        services,
        [
            "coalition.account.v1.AccountService",
            "coalition.auth.v1.TokenService",
            "coalition.catalogue.v1.CatalogueService",
            "coalition.event.v1.PartnerEventService",
            "coalition.member.v1.MemberService",
            "coalition.operator.v1.OperatorService",
            "coalition.partner.v1.PartnerService",
            "coalition.programme.v1.ProgrammeService",
            "coalition.redemption.v1.RedemptionService",
            "coalition.settlement.v1.SettlementService",
        ]
    );
}

#[test]
fn the_descriptors_hold_all_that_they_import() {
    let set = descriptors();
    let names: Vec<&str> = set.file.iter().map(|file| file.name()).collect();
    for file in &set.file {
        for import in &file.dependency {
            assert!(names.contains(&import.as_str()), "{} imports {import}", file.name());
        }
    }
}

#[test]
fn mutations_have_request_ids_lists_have_pages_and_reads_have_positions() {
    let set = descriptors();
    let messages = messages(&set);
    let methods = set.file.iter().flat_map(|file| &file.service).flat_map(|service| &service.method);
    let found: Vec<String> = methods
        .flat_map(|method| faults(method, messages[method.input_type()], messages[method.output_type()]))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_rpc_names_its_errors() {
    let set = descriptors();
    // In source info a method's path is (6: service, index, 2: method, index).
    let comments = set.file.iter().filter_map(|file| Some((file, file.source_code_info.as_ref()?)));
    for (file, info) in comments {
        for place in &info.location {
            if let [6, service, 2, method] = place.path[..] {
                let service = &file.service[usize::try_from(service).unwrap()];
                let method = &service.method[usize::try_from(method).unwrap()];
                let name = format!("{}.{}", service.name(), method.name());
                assert!(place.leading_comments().contains("Errors: "), "{name} doesn't name its errors");
            }
        }
    }
}

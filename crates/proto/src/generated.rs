//! Where generated code is put: its modules must nest as the packages do, because it refers to other packages by
//! counting `super`s.

// Generated code has its own style; what it documents comes from the comments in proto/.
#![allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

pub mod coalition {
    pub mod account {
        pub mod v1 {
            tonic::include_proto!("coalition.account.v1");
        }
    }
    pub mod auth {
        pub mod v1 {
            tonic::include_proto!("coalition.auth.v1");
        }
    }
    pub mod catalogue {
        pub mod v1 {
            tonic::include_proto!("coalition.catalogue.v1");
        }
    }
    pub mod event {
        pub mod v1 {
            tonic::include_proto!("coalition.event.v1");
        }
    }
    pub mod member {
        pub mod v1 {
            tonic::include_proto!("coalition.member.v1");
        }
    }
    pub mod operator {
        pub mod v1 {
            tonic::include_proto!("coalition.operator.v1");
        }
    }
    pub mod partner {
        pub mod v1 {
            tonic::include_proto!("coalition.partner.v1");
        }
    }
    pub mod programme {
        pub mod v1 {
            tonic::include_proto!("coalition.programme.v1");
        }
    }
    pub mod redemption {
        pub mod v1 {
            tonic::include_proto!("coalition.redemption.v1");
        }
    }
    pub mod settlement {
        pub mod v1 {
            tonic::include_proto!("coalition.settlement.v1");
        }
    }
    pub mod r#type {
        pub mod v1 {
            tonic::include_proto!("coalition.r#type.v1");
        }
    }
}

pub mod google {
    pub mod r#type {
        tonic::include_proto!("google.r#type");
    }
}

//! What the composite data types share: a place, and its parts by number.

/// A composite data type: its components by name and number, those that are composites themselves with their type.
macro_rules! composite {
    ($(#[$doc:meta])* $name:ident { $($(#[$part_doc:meta])* $part:ident $n:literal $(: $type:ident)?;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name<'m>(Value<'m>);

        impl<'m> $name<'m> {
            /// What stands at a place; of a field, its first repetition.
            pub fn of(place: impl Into<Value<'m>>) -> Self {
                Self(place.into().of_one_repetition())
            }

            /// The whole as a [`Value`].
            pub fn value(self) -> Value<'m> {
                self.0
            }

            /// The whole as sent.
            pub fn raw(self) -> &'m str {
                self.0.raw()
            }

            /// Whether nothing was sent.
            pub fn is_empty(self) -> bool {
                self.0.is_empty()
            }

            /// Whether this is `""`, HL7's order to delete the value.
            pub fn is_null(self) -> bool {
                self.0.is_null()
            }

            $(composite!(@part $(#[$part_doc])* $part $n $($type)?);)*
        }

        impl fmt::Debug for $name<'_> {
            /// Shows the length only: the content may be a patient's.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.raw().len())
            }
        }
    };
    (@part $(#[$doc:meta])* $part:ident $n:literal) => {
        $(#[$doc])*
        pub fn $part(self) -> Option<Value<'m>> {
            self.0.part($n)
        }
    };
    (@part $(#[$doc:meta])* $part:ident $n:literal $type:ident) => {
        $(#[$doc])*
        pub fn $part(self) -> Option<$type<'m>> {
            self.0.part($n).map($type::of)
        }
    };
}

pub(super) use composite;

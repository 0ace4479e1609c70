mod fault;

pub(crate) use fault::fault_of;

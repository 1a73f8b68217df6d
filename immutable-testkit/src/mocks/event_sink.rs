use immutable_core::event::Event;

mockall::mock! {
    /// An [`EventSink`](immutable_core::event::EventSink) of expectations.
    #[derive(Debug)]
    pub EventSink {}

    impl immutable_core::event::EventSink for EventSink {
        fn emit(&self, event: &Event);
    }
}

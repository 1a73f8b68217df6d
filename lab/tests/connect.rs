//! A test without an engine fails and says what to do.

#[test]
fn without_an_engine_the_error_names_the_command() {
    if std::env::var_os(immutable_lab::ENGINE_SOCKET_VAR).is_some() {
        // Run inside `cargo xtask engine`: then there must be one.
        assert!(immutable_lab::Lab::connect().is_ok());
        return;
    }
    let error = immutable_lab::Lab::connect().unwrap_err().to_string();
    assert!(error.contains("cargo xtask test"), "{error}");
}

# @summary SSH and SFTP for the test suite.
class role::test_suite {
  include profile::base
  include profile::test_suite
}

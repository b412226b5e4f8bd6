# @summary The APT repository.
class role::apt_repository {
  include profile::base
  include profile::apt_repository
}

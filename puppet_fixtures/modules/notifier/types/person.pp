# @summary Who is told: an address, and the roles of the hosts that are this person's duty; without roles, all.
type Notifier::Person = Struct[{
    address         => Pattern[/\A[A-Za-z0-9._+-]{1,64}@[a-z0-9][a-z0-9.-]{0,252}\z/],
    Optional[roles] => Array[Pattern[/\A[a-z][a-z0-9_]{0,62}\z/], 1],
}]

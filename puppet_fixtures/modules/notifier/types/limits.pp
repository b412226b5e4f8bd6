# @summary How many mails one person gets; what each word means stands in files/notifier/limits.py.
type Notifier::Limits = Struct[{
    Optional[window_s]         => Integer[1, 604800],
    Optional[per_host]         => Integer[1, 1000],
    Optional[per_person]       => Integer[1, 1000],
    Optional[digest_s]         => Integer[1, 86400],
    Optional[settle_s]         => Integer[1, 3600],
    Optional[early_s]          => Integer[1, 86400],
    Optional[early_per_window] => Integer[1, 1000],
}]

"""The table of contents."""
from invoke import Context, task


@task
def hello(c: Context) -> None:
    """Say hello."""
    print("hello")

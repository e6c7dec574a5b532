"""``@task.json2video_render``: a function that returns a movie, as the task that renders it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import (
    DecoratedOperator,
    TaskDecorator,
    context_merge,
    determine_kwargs,
    task_decorator_factory,
)

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class _RenderDecoratedOperator(DecoratedOperator, JSON2VideoRenderMovieOperator):
    """The render operator with a function for its ``movie``. Each try calls the function, a resume does not."""

    template_fields: Sequence[str] = (
        *DecoratedOperator.template_fields,
        *(name for name in JSON2VideoRenderMovieOperator.template_fields if name != "movie"),
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **DecoratedOperator.template_fields_renderers,
        **JSON2VideoRenderMovieOperator.template_fields_renderers,
    }
    custom_operator_name: str = "@task.json2video_render"

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(python_callable=python_callable, op_args=op_args, op_kwargs=op_kwargs, **kwargs)

    def dry_run(self) -> None:
        """Log what a run would be refused for, as far as that is known without the movie.

        The function is not called: nobody knows what else it does.
        """
        from airflow_provider_j2v.operators.dry_run import rehearse

        rehearse(self, later=f"The movie is what {self.python_callable.__name__}() returns, which only a run calls")

    def execute(self, context: Context) -> Any:
        """Ask the function for the movie, and render it."""
        context_merge(context, self.op_kwargs)
        kwargs = determine_kwargs(self.python_callable, self.op_args, context)
        self.movie = self.python_callable(*self.op_args, **kwargs)
        if self.jinja:
            self.movie = self.render_template(self.movie, context)
        return JSON2VideoRenderMovieOperator.execute(self, context)


def json2video_render_task(
    python_callable: Callable[..., Any] | None = None, multiple_outputs: bool = False, **kwargs: Any
) -> TaskDecorator:
    """Turn a function into a task that renders the movie it returns.

    :param python_callable: returns the movie: a mapping, a ``Movie``, or JSON text of an object.
    :param multiple_outputs: True also pushes each part of the result under its own key; what the function's annotation
        says of the movie does not decide it.
    :param kwargs: parameters of ``JSON2VideoRenderMovieOperator`` but ``movie``, ``movie_file`` and ``template_id``.
    """
    return task_decorator_factory(
        python_callable=python_callable,
        multiple_outputs=multiple_outputs,
        decorated_operator_class=_RenderDecoratedOperator,
        **kwargs,
    )

"""The widget "Blind deconvolution": choose an image, say what is known of its PSF, run, watch, cancel."""

from dataclasses import replace
from typing import Final

from napari.utils.notifications import show_error
from napari.viewer import Viewer
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QApplication, QVBoxLayout, QWidget

from napari_blind_deconv._napari.before_after import BeforeAfter
from napari_blind_deconv._napari.command import command_of
from napari_blind_deconv._napari.cropping import DrawnPart, cropped
from napari_blind_deconv._napari.docked import Docked, show_dock
from napari_blind_deconv._napari.file_optics import FileOptics
from napari_blind_deconv._napari.fitted_scroll import FittedScroll
from napari_blind_deconv._napari.form_job import VOXELS, checked_lengths, ended, estimated, in_lengths, psf_source
from napari_blind_deconv._napari.form_rows import rule
from napari_blind_deconv._napari.input_panel import InputPanel
from napari_blind_deconv._napari.job import Job
from napari_blind_deconv._napari.layer_choice import LayerChoice
from napari_blind_deconv._napari.layers import PLUGIN, role_of
from napari_blind_deconv._napari.live import PREVIEW
from napari_blind_deconv._napari.mask_choice import MaskChoices
from napari_blind_deconv._napari.planning import plan_in_words
from napari_blind_deconv._napari.preferences import preferences
from napari_blind_deconv._napari.psf_file_words import PsfFileWords
from napari_blind_deconv._napari.refusals import on_screen, refusal_on_screen
from napari_blind_deconv._napari.run_control import RunControl
from napari_blind_deconv._napari.run_panel import RunPanel
from napari_blind_deconv._napari.settings_form import SettingsForm
from napari_blind_deconv._napari.settings_menu import SettingsMenu
from napari_blind_deconv._napari.tab_order import tab_through
from napari_blind_deconv._napari.trial import add_region_layer, region_layer, trial_region
from napari_blind_deconv._napari.words import kind_label
from napari_blind_deconv._types import InputError
from napari_blind_deconv.kernel_priors import PerChannel
from napari_blind_deconv.prior_checks import doubts_of_channels
from napari_blind_deconv.settings import settings_from_dict

_SETTLE_MS: Final = 150


class DeconvolveWidget(Docked):
    """Deconvolve an image layer of one viewer.

    Parameters
    ----------
    viewer
        The viewer that the widget is docked in, and the only one it knows.
    """

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._viewer = viewer
        self._suggested = preferences().settings
        self.input = InputPanel(viewer)
        self.form = SettingsForm()
        self.form.set_value(self._suggested)
        self.menu = SettingsMenu(self, viewer)
        self.psf_choice = LayerChoice(viewer, "none: the file below", lambda layer: role_of(layer) != PREVIEW)
        self.form.kernel_prior.add_row("known", "PSF layer", self.psf_choice)
        self.psf_words = PsfFileWords(self.form.kernel_prior)
        self.optics = FileOptics(self.form.kernel_prior)
        self.masks = MaskChoices(viewer)
        self.masks.put_into(self.form)
        self.panel = RunPanel()
        self.control = RunControl(viewer, self.panel)
        self._warnings: list[str] = []
        self._planning = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._planning.timeout.connect(self._plan)
        self.before_after = BeforeAfter(viewer)
        self._arrange()
        self.panel.run_clicked.connect(self.run)
        self.panel.trial_clicked.connect(self.try_region)
        self.panel.copy_clicked.connect(self.copy_command)
        self.panel.metrics_clicked.connect(self.open_metrics)
        self.input.changed.connect(self._input_changed)
        self.psf_choice.changed.connect(self._psf_chosen)
        self.form.changed.connect(self._form_changed)
        self.form.grown.connect(self._put_in_order)
        self.masks.changed.connect(self._masks_changed)
        self._put_in_order()
        self._check()

    def _put_in_order(self) -> None:
        tab_through(self)

    def _arrange(self) -> None:
        body = QWidget()
        rows = QVBoxLayout(body)
        rows.setContentsMargins(4, 4, 4, 4)
        rows.addWidget(self.menu, 0, Qt.AlignmentFlag.AlignRight)
        rows.addWidget(self.input)
        rows.addWidget(rule())
        rows.addWidget(self.form)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        self.scroll = FittedScroll(body)
        column.addWidget(self.scroll, 1)
        column.addWidget(self.panel)
        column.addWidget(self.before_after)
        # Taken up only where the dock is taller than form and panel together.
        column.addStretch(0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave most of the height to the form, however much there is to say."""
        super().resizeEvent(event)
        self.panel.set_room(event.size().height())

    @property
    def is_running(self) -> bool:
        """Whether a run is on, or still being cancelled."""
        return self.control.is_running

    def job(self) -> Job:
        """What Run would do now.

        Raises
        ------
        InputError
            One sentence about the first thing that is wrong.
        """
        settings = self.form.value()
        psf = psf_source(settings, self.psf_choice.value())
        source = self.input.source()
        checked_lengths(source)
        if not source.has_lengths and in_lengths(settings.kernel_prior):
            raise InputError(
                f"“{kind_label(settings.kernel_prior.kind)}” needs the voxel size; fill it in above, in µm, such as "
                f"{'0.3, 0.1, 0.1' if 'Z' in source.axes and not source.planes else '0.1, 0.1'}"
            )
        left_out, region = self.masks.drawn_on(self.input.layer_choice.value(), estimating=estimated(settings))
        index = self.input.channel.value()
        if index is not None and isinstance(settings.kernel_prior, PerChannel):
            one = settings.kernel_prior.of_channel(index, len(self.input.channel.names))
            settings = replace(settings, kernel_prior=one)
        if source.cut is not None:
            left_out, region = DrawnPart.of(left_out, source.cut), DrawnPart.of(region, source.cut)
        return Job(source, settings, psf, left_out, region, max_memory_gb=preferences().max_memory_gb)

    def run(self) -> None:
        """Start a run in a thread, or let it wait for those before it; what is wrong already is said at once."""
        try:
            job = self.job().frozen()
        except InputError as error:
            self._refuse(refusal_on_screen(error))
            return
        self.control.start(job)

    def try_region(self) -> None:
        """Run on a box of the image, drawn or put in the middle of the view: what it gives lies over the box."""
        if self.is_running:
            return
        try:
            job = self.trial_job().frozen()
        except InputError as error:
            self._refuse(refusal_on_screen(error))
            return
        size = " × ".join(str(n) for n in job.source.data.shape[: len(job.source.axes.removesuffix("S"))])
        self.panel.mention(f"Trial on {size} pixels; move the rectangle and try again.")
        self.control.start(job)

    def trial_job(self) -> Job:
        """What *Try on a region* would do now; errors as of `job`."""
        job, image = self.job(), self.input.layer_choice.value()
        layer = region_layer(self._viewer, (self.masks.leave_out.value(), self.masks.region.value()))
        if layer is None:
            layer = add_region_layer(self._viewer, image, self.input.letters())
        region = trial_region(self._viewer, job.source, image, layer)
        # One frame has no course in time, and the box itself teaches the PSF.
        settings = replace(job.settings, psf_drift=None)
        source = cropped(job.source, region, f"{job.source.name} trial")
        return replace(
            job, source=source, settings=settings, leave_out=DrawnPart.of(job.leave_out, region), region=None
        )

    def cancel(self) -> None:
        """Ask the run to stop after its current step."""
        self.control.cancel()

    def copy_command(self) -> None:
        """Put the settings on the clipboard, as a line for a terminal."""
        try:
            job = self.job()
        except InputError as error:
            self._refuse(refusal_on_screen(error))
            return
        QApplication.clipboard().setText(command_of(job))
        self.panel.mention("Copied as a command for a terminal.")

    def open_metrics(self) -> None:
        """Show the metrics in the same window, at first below the picture; napari puts new docks on the right."""
        # Its curves and figures need not be loaded to open this widget.
        from napari_blind_deconv._napari.metrics_widget import MetricsWidget

        show_dock(self._viewer, "Deconvolution metrics", MetricsWidget, Qt.DockWidgetArea.BottomDockWidgetArea)

    def _refuse(self, sentence: str) -> None:
        self.panel.foresee(sentence, alarm=True)
        show_error(sentence)

    def _input_changed(self) -> None:
        self.panel.be_about(id(self.input.layer_choice.value()))
        self._suggest()
        self._put_in_order()
        self.form.set_channels(self.input.channel.names)
        self.optics.follow(self.input.facts.get("optics", {}), max(1, len(self.input.channel.names)))
        self.form.set_planes(self.input.axes.planes())
        self._check()

    def _psf_chosen(self) -> None:
        self.input.is_no_input(self.psf_choice.value())
        self._check()

    def _suggest(self) -> None:
        """Fill in what suits a sample, as long as nobody has changed the settings by hand."""
        layer = self.input.layer_choice.value()
        notes = layer.metadata[PLUGIN] if layer is not None and role_of(layer) == "observed" else {}
        suits = preferences().settings
        if "suits" in notes:
            suits = replace(settings_from_dict(notes["suits"]), device=suits.device)
        try:
            untouched = replace(self.form.value(), planes=False) == self._suggested
        except InputError:
            untouched = False
        if untouched and suits != self._suggested:
            self._suggested = suits
            self.form.set_value(suits)

    def _form_changed(self) -> None:
        self.input.axes.set_planes(self.form.planes)
        self.form.show_advanced(self.masks.region, visible=self.form.kernel_prior.kind != "known")
        self._check()

    def _masks_changed(self) -> None:
        self._check()
        if (name := self.masks.gone()) and not self.is_running:
            self.panel.mention(f"“{name}” was removed, and is no longer taken for a mask or a region.")

    def _check(self) -> None:
        """Say whether the form can be run, at its fields too; what that will take follows when it is known."""
        try:
            needed = in_lengths(self.form.value().kernel_prior)
        except InputError:
            needed = False
        self.input.show_voxels_needed(needed=needed)
        self.form.withdraw()
        self.input.voxel_size.complain("")
        self._planning.stop()
        try:
            self.job()
            doubts = self._doubts()
        except InputError as error:
            sentence = refusal_on_screen(error)
            if error.subject == VOXELS:
                self.input.voxel_size.complain(sentence)
            self.form.complain_at(error.subject, sentence)
            self.panel.foresee(sentence, alarm=self.input.layer_choice.value() is not None)
            return
        for path, sentence in reversed(doubts):
            if path == "voxel_size_um":
                self.input.voxel_size.complain(sentence)
            self.form.complain_at(path, sentence)
        # Channels often share one: the first of a field stands for all.
        first = dict(reversed(doubts))
        self._warnings = [ended(f"Warning: {sentence}") for _, sentence in sorted(first.items())]
        self._say_ready("")
        self._planning.start()

    def _plan(self) -> None:
        """Say what a run will take, once nobody is typing."""
        try:
            self._say_ready(plan_in_words(self.job().plan()))
        except InputError as error:
            self.panel.foresee(refusal_on_screen(error), alarm=True)

    def _say_ready(self, plan: str) -> None:
        untouched = replace(self.form.value(), planes=False) == self._suggested
        sample = self._suggested != preferences().settings and untouched
        ready = "Ready, with the settings that suit this sample" if sample else "Ready"
        self.panel.foresee("\n".join([f"{ready}: {plan}." if plan else f"{ready}.", *self._warnings]))

    def _doubts(self) -> list[tuple[str, str]]:
        """What physics has against the numbers that were given, by the field that it is about."""
        settings = self.form.value()
        channels = max(1, len(self.input.channel.names))
        told = doubts_of_channels(settings.kernel_prior, self.input.lengths(), settings.kernel_size, channels)
        return [(path, on_screen(sentence)) for path, sentence in told]

    def close_down(self) -> None:
        """Stop the run, and listen to the viewer no longer."""
        self.menu.release()
        self.before_after.release()
        self._planning.stop()
        self.control.close_down()
        self.input.release()
        self.psf_choice.release()
        self.masks.release()

"""Long work in the background: one job at a time, in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque

from facechain_ext.base.host import Host
from facechain_ext.jobs.job import Job, JobState, Work

__all__ = ["Job", "JobState", "Jobs", "Work"]

KEPT_JOBS = 20


class Jobs:
    """Run jobs one after the other on a thread of their own, in the order they came."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._kept: deque[Job] = deque()
        self._worker: threading.Thread | None = None

    def submit(self, title: str, work: Work, *, kind: str = "", subject: str = "") -> Job:
        """Queue work; `work` is called, and its events are read, on the worker's thread."""
        job = Job(self._host, title, work, kind=kind, subject=subject)
        with self._lock:
            self._waiting.append(job)
            self._kept.append(job)
            self._forget_old()
            if self._worker is None:
                self._worker = threading.Thread(
                    target=self._run_all, name="facechain-jobs", daemon=True
                )
                self._worker.start()
        return job

    def all(self) -> list[Job]:
        """Return the queued, running and latest finished jobs, oldest first."""
        with self._lock:
            return list(self._kept)

    def active(self) -> list[Job]:
        """Return the running job, then those that wait, in the order in which they will run."""
        jobs = [job for job in self.all() if not job.state.over]
        return sorted(jobs, key=lambda job: job.state is not JobState.RUNNING)

    @property
    def running(self) -> Job | None:
        """The job whose work goes on; work that asks is told its own."""
        return next((job for job in self.all() if job.state is JobState.RUNNING), None)

    def stop_all(self) -> None:
        """Cancel everything, what waits first, so that nothing begins meanwhile."""
        for job in reversed(self.active()):
            job.cancel()

    def get(self, job_id: str) -> Job | None:
        return next((job for job in self.all() if job.id == job_id), None)

    def latest(self, kind: str) -> Job | None:
        """Return the running job of this kind, else the newest one."""
        found = [job for job in self.all() if job.kind == kind]
        running = [job for job in found if job.state is JobState.RUNNING]
        return next(reversed(running or found), None)

    def forget(self, job: Job) -> None:
        """Drop a job that is over, and with it the pictures in its events."""
        with self._lock:
            if job.state.over and job in self._kept:
                self._kept.remove(job)

    def _run_all(self) -> None:
        """Run what waits; the thread ends when nothing is left."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._worker = None
                    return
                job = self._waiting.popleft()
            job.run()

    def _forget_old(self) -> None:
        surplus = max(len(self._kept) - KEPT_JOBS, 0)
        for job in [job for job in self._kept if job.state.over][:surplus]:
            self._kept.remove(job)

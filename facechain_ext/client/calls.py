"""The methods that both kinds of client have."""

from __future__ import annotations

from facechain_ext.client import job_calls, people_calls, server_calls
from facechain_ext.client.call import Described


class Calls:
    """Every call of the API that is one request and one answer."""

    health = Described(server_calls.health)
    version = Described(server_calls.version)
    styles = Described(server_calls.styles)
    templates = Described(server_calls.templates)
    template_picture = Described(server_calls.template_picture)
    checkpoints = Described(server_calls.checkpoints)
    loras = Described(server_calls.loras)
    models = Described(server_calls.models)
    download_model = Described(server_calls.download_model)

    people = Described(people_calls.people)
    person = Described(people_calls.person)
    add_person = Described(people_calls.add_person)
    change_person = Described(people_calls.change_person)
    delete_person = Described(people_calls.delete_person)
    export_person = Described(people_calls.export_person)
    import_person = Described(people_calls.import_person)
    publish = Described(people_calls.publish)
    photos = Described(people_calls.photos)
    delete_photo = Described(people_calls.delete_photo)
    photo = Described(people_calls.photo)
    thumbnail = Described(people_calls.thumbnail)
    captions = Described(people_calls.captions)
    set_captions = Described(people_calls.set_captions)

    check = Described(job_calls.check)
    enrol = Described(job_calls.enrol)
    train = Described(job_calls.train)
    resume = Described(job_calls.resume)
    make_portraits = Described(job_calls.make_portraits)
    make_template = Described(job_calls.make_template)
    make_templates = Described(job_calls.make_templates)
    draw_template = Described(job_calls.draw_template)
    talk = Described(job_calls.talk)
    try_on = Described(job_calls.try_on)
    keep_look = Described(job_calls.keep_look)
    train_style = Described(job_calls.train_style)
    resume_style = Described(job_calls.resume_style)
    jobs = Described(job_calls.jobs)
    job = Described(job_calls.job)
    cancel = Described(job_calls.cancel)
    queue = Described(job_calls.queue)
    verdicts = Described(job_calls.verdicts)
    trainings = Described(job_calls.trainings)
    training = Described(job_calls.training)
    curves = Described(job_calls.curves)
    samples = Described(job_calls.samples)
    sample = Described(job_calls.sample)
    lora = Described(job_calls.lora)
    portrait_jobs = Described(job_calls.portrait_jobs)
    portraits = Described(job_calls.portraits)
    picture = Described(job_calls.picture)
    save_picture = Described(job_calls.save_picture)
    video = Described(job_calls.video)
    save_video = Described(job_calls.save_video)

// Keeps the FaceChain tab up to date. While work goes on the server sends the HTML of progress, curves,
// samples and queue as it changes (facechain/v1/page), or is asked for it every second where a proxy
// holds streams back. gradio draws the rest, buttons, lists and galleries: its hidden refresh button is
// pressed when the tab opens, soon after whatever a person does in it, and when the server says that the
// state of a job, or who there is, has changed. Where neither stream nor answer can be had it is pressed
// every second while work goes on, every five seconds otherwise.
// One press at a time: the answer carries a counter. It says whom the tab shows, which the server is then
// asked about. It names the library's LoRAs too: a Lora tab of the webui that does not show them all is
// told to look again, once.
// gradio 3.41 drops an upload during which an answer arrives, and shows it as uploading for ever: so
// nothing is pressed while files are on their way in any panel, and files wait for an answer that is, and
// for a moment after it, in which it may have asked for more.
(() => {
    if (window.facechainPulse) return;
    const BUSY = 1000, IDLE = 5000, GIVE_UP = 15000, SETTLE = 1000;
    const FIRST = 4000, SILENT = 15000, AGAIN = { poll: 120000, press: 30000 };
    const LORA_TABS = ["txt2img_lora", "img2img_lora"];
    let pressedAt = -Infinity, answered = null, soon = 0, listed = "";
    let shown = null, shownAt = -Infinity, pickedAt = -Infinity, open = false;

    const element = (id) => document.getElementById(id);
    const answer = () => element("facechain_pulse_state")?.querySelector("[data-beat]");
    const root = () => element("facechain_tab");
    const inSight = () => root()?.offsetParent !== null;

    const uploading = () => Array.from(root()?.querySelectorAll("tr.file") ?? [])
        .some((row) => !row.querySelector("a[href]"));
    const outstanding = () => pressedAt > 0 && (answer()?.dataset.beat ?? null) === answered
        && performance.now() - pressedAt < GIVE_UP;

    function look() {
        const beat = answer()?.dataset.beat ?? null;
        if (beat !== shown) [shown, shownAt] = [beat, performance.now()];
    }
    const settled = () => !outstanding() && performance.now() - shownAt > SETTLE;

    function press() {
        const button = element("facechain_pulse");
        if (!button) return;
        answered = answer()?.dataset.beat ?? null;
        pressedAt = performance.now();
        soon = 0;
        askedFor = live.state;
        (button.matches("button") ? button : button.querySelector("button") ?? button).click();
    }

    function list(loras) {
        if (loras === listed) return;
        listed = loras;
        for (const tab of LORA_TABS) {
            const cards = element(`${tab}_cards_html`)?.querySelectorAll(".card") ?? [];
            const shown = new Set(Array.from(cards, (card) => card.dataset.name));
            if (!loras.split("/").every((name) => shown.has(name))) element(`${tab}_extra_refresh`)?.click();
        }
    }

    // Buttons stick to the foot of the window only if nothing around the tab counts as scrolling.
    function letStick() {
        for (let around = element("facechain_tab"); around; around = around.parentElement) {
            if (getComputedStyle(around).overflowY === "hidden") around.style.overflow = "clip";
        }
    }

    // What the server says of the tab. way: how it is had; a way that fails twice gives way to the next.
    const NEXT = { stream: "poll", poll: "press", press: "press" };
    const live = { way: "stream", html: {}, state: null, busy: null, failures: 0, triedAt: -Infinity };
    let source = null, heardAt = 0, heard = false, asking = false, about = null, askedFor = null;
    const drawn = new WeakMap(), gradios = new WeakMap();

    const isBusy = () => live.busy ?? answer()?.dataset.busy === "1";
    const isStale = (told) => live.state !== null && live.state !== (told?.state ?? "");
    const address = (path, told) => location.pathname.replace(/\/?$/, "/") + "facechain/v1/page" + path
        + "?" + new URLSearchParams({ person: told.person, run: told.run });

    function follow() {
        const told = answer()?.dataset, now = performance.now();
        const wanted = told?.person !== undefined && !document.hidden
            && (inSight() || isBusy() || isStale(told));
        const whom = wanted ? told.person + "\n" + told.run : null;
        if (whom !== about) {
            hangUp();
            [about, live.html, live.state] = [whom, {}, null];
        }
        if (!wanted) return;
        if (now - live.changedAt > AGAIN[live.way]) [live.way, live.failures] = ["stream", 1];
        if (live.way === "stream") stream(told, now);
        if (live.way === "poll") poll(told, now);
        draw();
    }

    function stream(told, now) {
        if (source && now - heardAt > (heard ? SILENT : FIRST)) fail();
        if (source || now - live.triedAt < BUSY * live.failures) return;
        const mine = source = new EventSource(address("", told));
        [live.triedAt, heardAt, heard] = [now, now, false];
        mine.onmessage = (event) => source === mine && take(JSON.parse(event.data));
        mine.onerror = () => source === mine && fail();
    }

    async function poll(told, now) {
        if (asking || now - live.triedAt < BUSY) return;
        [asking, live.triedAt] = [true, now];
        const whom = about;
        try {
            const response = await fetch(address("/now", told), { signal: AbortSignal.timeout(GIVE_UP) });
            if (!response.ok) throw new Error(response.statusText);
            const news = await response.json();
            if (whom === about) take(news);
        } catch {
            if (whom === about) fail();
        } finally {
            asking = false;
        }
    }

    function take(news) {
        [heardAt, heard, live.failures] = [performance.now(), true, 0];
        Object.assign(live.html, news.html);
        [live.state, live.busy] = [news.state, news.busy];
        draw();
    }

    function hangUp() {
        source?.close();
        source = null;
    }

    function fail() {
        hangUp();
        live.failures += 1;
        live.triedAt = performance.now();
        if (live.failures < 2) return;
        [live.way, live.failures, live.changedAt] = [NEXT[live.way], 0, performance.now()];
        if (live.way === "press") giveBack();
    }

    // gradio goes on from what it has drawn itself.
    function giveBack() {
        for (const place of document.querySelectorAll("#facechain_tab .fc-live")) {
            if (gradios.has(place)) place.innerHTML = gradios.get(place);
            drawn.delete(place);
        }
        [live.html, live.state, live.busy] = [{}, null, null];
    }

    // The newest is drawn, also over what gradio has drawn meanwhile, of which it is told here.
    const watch = new MutationObserver(notice);
    function notice(changes) {
        for (const { target } of changes) {
            const place = (target.closest ? target : target.parentElement)?.closest(".fc-live");
            if (place) [drawn, gradios].forEach((known) => known.delete(place));
        }
    }
    function draw() {
        watch.observe(element("facechain_tab"), { subtree: true, childList: true, characterData: true, attributes: true });
        notice(watch.takeRecords());
        for (const [id, html] of Object.entries(live.html)) {
            const place = element(id)?.querySelector(".fc-live");
            if (!place || drawn.get(place) === html) continue;
            if (!gradios.has(place)) gradios.set(place, place.innerHTML);
            place.innerHTML = html;
            drawn.set(place, html);
        }
        watch.takeRecords();
    }

    function beat() {
        if (!element("facechain_tab")) return;
        letStick();
        const told = answer()?.dataset, now = performance.now(), waited = now - pressedAt;
        if (told?.loras) list(told.loras);
        const opened = !document.hidden && inSight();
        if (opened && !open) soon = now;
        open = opened;
        follow();
        if (document.hidden || (told && !isBusy() && !isStale(told) && !inSight())) return;
        if (outstanding() || held.length || uploading() || now - pickedAt < SETTLE) return;
        const pause = isBusy() && inSight() ? BUSY : IDLE;
        const unled = live.way === "press" || told?.person === undefined;
        const due = unled ? waited > pause : isStale(told) && waited > (live.state === askedFor ? IDLE : BUSY);
        if (due || (soon && now > soon)) press();
    }

    function noticePerson(event) {
        if (event.isTrusted && root()?.contains(event.target)) {
            soon = performance.now() + 300;
        }
    }
    for (const kind of ["click", "change", "focusout"]) document.addEventListener(kind, noticePerson);
    document.addEventListener("keyup", (event) => event.key === "Enter" && noticePerson(event));
    // Files are chosen or dropped: the event waits until the answer is there, and comes again.
    const held = [], returned = new WeakSet();
    function hold(event) {
        if (returned.has(event) || !root()?.contains(event.target)) return;
        const files = event.type === "drop" ? event.dataTransfer : event.target;
        if (!files?.files?.length) return;
        look();
        pickedAt = performance.now();
        if (settled()) return;
        event.stopImmediatePropagation();
        event.preventDefault();
        const again = event.type === "drop" ? copyOfDrop(files.files) : new Event("change", { bubbles: true });
        returned.add(again);
        held.push([event.target, again]);
    }
    function copyOfDrop(files) {
        const dataTransfer = new DataTransfer();
        for (const file of files) dataTransfer.items.add(file);
        return new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer });
    }
    function release() {
        look();
        if (!held.length || !settled()) return;
        const [target, event] = held.shift();
        pickedAt = performance.now();
        target.dispatchEvent(event);
    }
    for (const kind of ["change", "drop"]) document.addEventListener(kind, hold, true);
    window.setInterval(release, 50);

    document.addEventListener("visibilitychange", beat);
    window.facechainPulse = window.setInterval(beat, 200);
})();

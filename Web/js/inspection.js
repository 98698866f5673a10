// 我的巡检, 走访登记: the list is at hand without a network, and what is found out there is sent when there is one again.
import { announce, each, make } from './dom.js';
import { position } from './position.js';
import { toast } from './toast.js';
import * as outbox from './outbox.js';
import { check, mark } from './validation.js';

const PAGES = 'field-pages';

each('[data-inspection]', view => {
  const { owner } = view.dataset;
  const place = view.querySelector('[data-outbox]');
  let busy = false;
  let turn = Promise.resolve();

  /** One at a time sends, also among the tabs of this browser. */
  const alone = work => navigator.locks ? navigator.locks.request('lifang-outbox', work) : (turn = turn.then(work, work));

  // --- What waits -------------------------------------------------------------------------------------------------

  async function show() {
    const forms = await outbox.waiting(owner).catch(() => []);
    place.hidden = forms.length === 0;
    if (forms.length === 0) {
      place.replaceChildren();
      return;
    }
    const refused = forms.filter(form => form.refused);
    const rest = forms.length - refused.length;
    const again = make('button', { type: 'button', className: 'button button-primary', 'data-outbox-send': '' }, '现在发送');
    again.addEventListener('click', () => flush(true));
    place.replaceChildren(
      make('p', { 'data-outbox-count': String(forms.length) }, rest > 0
        ? `${rest} 条登记存在这台手机上，联网后自动发送。` : `${refused.length} 条没有被登记，请核对。`),
      rest > 0 ? again : '',
      make('ul', {}, ...refused.map(form => {
        const remove = make('button', { type: 'button', className: 'button button-danger' }, '丢弃这条');
        remove.addEventListener('click', async () => {
          await outbox.drop(form.id);
          show();
        });
        return make('li', {}, make('p', {}, `${form.title}：${form.refused}`),
          make('a', { className: 'button button-normal', href: form.action }, '打开核对'), remove);
      })));
  }

  /** Sends what waits, oldest first; stops where the network or the server does. */
  async function flush(isAsked) {
    if (busy) return;
    busy = true;
    try {
      await alone(() => sendAll(isAsked));
    } finally {
      busy = false;
      show();
    }
  }

  async function sendAll(isAsked) {
    const forms = (await outbox.waiting(owner)).filter(form => !form.refused || isAsked);
    if (forms.length === 0) return;
    const pass = await outbox.ticket('/inspection/ticket');
    if (pass === null || pass === undefined || pass.owner !== owner) {
      if (isAsked) {
        toast('warning', pass === null ? '还没有网络，内容都在这台手机上。' : '请先重新登录，内容都在这台手机上。',
          pass === null ? undefined : { href: '/sign-in?return=/inspection', label: '登录' });
      }
      return;
    }
    let sent = 0;
    for (const form of forms) {
      const outcome = await outbox.send(form, pass.token);
      if (outcome.done) {
        await outbox.drop(form.id);
        sent += 1;
      } else if (outcome.refused) {
        await outbox.refuse(form.id, outcome.refused);
      } else {
        break;
      }
    }
    if (sent > 0) {
      announce(`已发送 ${sent} 条登记`);
      toast('success', `已发送 ${sent} 条登记。`, view.querySelector('[data-outbox-form]') ? undefined : { href: '/inspection', label: '刷新清单' });
    }
  }

  outbox.settle(owner).catch(() => {}).then(show).then(() => flush(false));
  addEventListener('online', () => flush(false));

  // --- The form -----------------------------------------------------------------------------------------------------

  const form = view.querySelector('[data-outbox-form]');
  if (form?.dataset.outboxRepeated === 'true') {
    // A page that was taken along is filled in more than once, and may be of another address than it was kept for.
    form.elements.namedItem('client_id').value = crypto.randomUUID?.() ?? String(Date.now() + Math.random());
    const code = form.elements.namedItem('code');
    if (code && !code.value) code.value = new URLSearchParams(location.search).get('code') ?? '';
  }
  form?.addEventListener('submit', async event => {
    event.preventDefault();
    if (form.dataset.sending || !check(form)) return;
    form.dataset.sending = 'true';
    const button = event.submitter;
    button?.classList.add('is-busy');
    form.elements.namedItem('taken_at').value = new Date().toISOString();
    const fields = [...new FormData(form)].filter(([name, value]) => name !== '_csrf' && !(value instanceof File && value.size === 0));
    const entry = {
      id: form.elements.namedItem('client_id').value, owner, title: form.dataset.outboxForm, action: new URL(form.action).pathname, fields,
      secret: (form.dataset.outboxSecret ?? '').split(' '), time: Date.now(),
    };
    try {
      await outbox.keep(entry);
    } catch (error) {
      // What cannot be kept is sent the plain way, when there is a network.
      toast('warning', error.message);
      if (navigator.onLine) {
        form.submit();
      } else {
        delete form.dataset.sending;
        button?.classList.remove('is-busy');
      }
      return;
    }
    const outcome = await alone(async () => {
      // What waits may have been sent in the meantime, this form with it.
      const kept = await outbox.find(entry.id);
      if (!kept) return { done: '已发送。' };
      if (kept.refused) {
        await outbox.drop(entry.id);
        return { refused: kept.refused };
      }
      const pass = await outbox.ticket('/inspection/ticket');
      if (!pass || pass.owner !== owner) {
        return { wait: pass === null ? '没有网络，已存在这台手机上，联网后自动发送。' : '登录已过期，内容还在这台手机上。请重新登录后发送。' };
      }
      const said = await outbox.send(entry, pass.token);
      if (!said.wait) await outbox.drop(entry.id);
      return said;
    });
    delete form.dataset.sending;
    button?.classList.remove('is-busy');
    if (outcome.refused) {
      const field = outcome.field && form.querySelector(`[data-field="${CSS.escape(outcome.field)}"] .input, [data-field="${CSS.escape(outcome.field)}"] input:not([type="hidden"])`);
      if (field) {
        mark(field, outcome.refused);
        field.focus();
      }
      toast('danger', outcome.refused);
      show();
      return;
    }
    sessionStorage.setItem('inspection-said', JSON.stringify(outcome.done ? ['success', outcome.done] : ['warning', outcome.wait]));
    location.assign((outcome.done && outcome.next) || form.dataset.outboxNext || '/inspection');
  });

  const said = sessionStorage.getItem('inspection-said');
  if (said && !form) {
    sessionStorage.removeItem('inspection-said');
    toast(...JSON.parse(said));
  }

  // --- Nearest first ------------------------------------------------------------------------------------------------

  view.querySelector('a[href="/inspection"].button-primary')?.addEventListener('click', async event => {
    if (event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const link = event.currentTarget;
    link.classList.add('is-busy');
    try {
      const here = await position();
      location.assign(`/inspection?lon=${here.longitude.toFixed(5)}&lat=${here.latitude.toFixed(5)}`);
    } catch (error) {
      toast('warning', error.message);
    } finally {
      link.classList.remove('is-busy');
    }
  });

  // --- Taking the pages along ---------------------------------------------------------------------------------------

  const links = [...view.querySelectorAll('[data-take-along]')];
  if (!form && 'serviceWorker' in navigator && isSecureContext && navigator.onLine) take(links.slice(0, 100));
});

/** Lets the worker keep this list, the pages of its addresses and what they are made of, until somebody signs out. */
async function take(links) {
  const assets = new URL('..', import.meta.url).pathname.replace(/\/$/, '');
  try {
    await navigator.serviceWorker.register(`/sw.js?assets=${encodeURIComponent(assets)}`);
    await navigator.serviceWorker.ready;
    const cache = await caches.open(PAGES);
    const shell = await caches.open(`shell-${assets}`);
    const parts = performance.getEntriesByType('resource').map(entry => entry.name).filter(name => name.includes(`${assets}/`));
    await Promise.all(parts.map(async name => (await shell.match(name)) ?? shell.add(name)));
    await cache.put('/inspection', await page('/inspection'));
    for (const link of links) {
      if (!(await cache.match(link.pathname))) await cache.put(link.pathname, await page(link.pathname));
    }
    document.documentElement.dataset.takenAlong = String(links.length);
  } catch {
    // Without the worker the list needs a network; what has been filled in does not.
  }
}

async function page(path) {
  const answer = await fetch(path, { headers: { Accept: 'text/html' }, cache: 'no-store' });
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  return answer;
}

// Finished forms that wait for a network, kept in this browser (IndexedDB) and sent in order when it is back.
const NAME = 'lifang-outbox';
const STORE = 'forms';

let opened = null;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.addEventListener('upgradeneeded', () => request.result.createObjectStore(STORE, { keyPath: 'id' }));
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(new Error('这个浏览器存不下没有发送的内容。')));
  });
  return opened;
}

async function run(mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, mode);
    const request = work(transaction.objectStore(STORE));
    transaction.addEventListener('complete', () => resolve(request?.result));
    for (const type of ['error', 'abort']) {
      transaction.addEventListener(type, () => reject(transaction.error ?? new Error('这台手机存不下了，请先联网发送。')));
    }
  });
}

/** What `owner` has waiting, oldest first. Another account on the same device neither sees nor sends it. */
export async function waiting(owner) {
  const all = await run('readonly', store => store.getAll());
  return all.filter(form => form.owner === owner).sort((a, b) => a.time - b.time);
}

/** Keeps a form: `{id, owner, title, action, fields: [[name, value]…], time}`; files are values too. */
export const keep = form => run('readwrite', store => store.put(form));

export const drop = id => run('readwrite', store => store.delete(id));

/** The answer of the server: `{done, next}`, `{refused: sentence}`, `{wait: sentence}` when it has to be tried again. */
export async function send(form, token) {
  const body = new FormData();
  for (const [name, value] of form.fields) {
    if (value instanceof Blob) body.append(name, value, value.name ?? 'photo.jpg');
    else body.append(name, value);
  }
  let answer;
  try {
    answer = await fetch(form.action, { method: 'POST', body, headers: { Accept: 'application/json', 'X-CSRF-Token': token } });
  } catch {
    return { wait: '没有网络，已存在这台手机上，联网后自动发送。' };
  }
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return { done: said.message ?? '已发送。', next: said.next };
  if (answer.status === 401) return { wait: '登录已过期，内容还在这台手机上。请重新登录后发送。' };
  if (answer.status >= 500 || answer.status === 429) return { wait: '服务器暂时不能处理，稍后自动再发。' };
  return { refused: said.message ?? said.error?.message ?? `没有登记（${answer.status}）。`, field: said.field ?? said.error?.field };
}

/** A form token that is good now, and whose it is; `null` without a network, `undefined` when nobody is signed in. */
export async function ticket(path) {
  try {
    const answer = await fetch(path, { headers: { Accept: 'application/json' }, cache: 'no-store' });
    return answer.ok ? await answer.json() : undefined;
  } catch {
    return null;
  }
}

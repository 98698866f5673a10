// Finished forms that wait for a network, kept in this browser (IndexedDB) and sent in order when it is back. What a form
// names as secret is sealed with a key of its owner, which is kept here too but cannot be read out, and goes when another
// account uses this device.
const NAME = 'lifang-outbox';
const STORE = 'forms';
const KEYS = 'keys';

let opened = null;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 2);
    request.addEventListener('upgradeneeded', event => {
      if (event.oldVersion < 1) request.result.createObjectStore(STORE, { keyPath: 'id' });
      request.result.createObjectStore(KEYS, { keyPath: 'owner' });
    });
    request.addEventListener('success', () => {
      // Another tab may have a newer version of this page.
      request.result.addEventListener('versionchange', () => request.result.close());
      resolve(request.result);
    });
    request.addEventListener('error', () => reject(new Error('这个浏览器存不下没有发送的内容。')));
  });
  return opened;
}

async function run(mode, work, name = STORE) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(name, mode);
    const request = work(transaction.objectStore(name));
    transaction.addEventListener('complete', () => resolve(request?.result));
    for (const type of ['error', 'abort']) {
      transaction.addEventListener(type, () => reject(transaction.error ?? new Error('这台手机存不下了，请先联网发送。')));
    }
  });
}

// --- What is secret ---------------------------------------------------------------------------------------------------

async function key(owner, isMade) {
  const known = await run('readonly', store => store.get(owner), KEYS);
  if (known || !isMade) return known?.key;
  const made = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
  await run('readwrite', store => store.put({ owner, key: made }), KEYS);
  return made;
}

async function sealed(form) {
  const secret = form.fields.filter(([name, value]) => form.secret?.includes(name) && value);
  if (secret.length === 0) return form;
  if (!globalThis.crypto?.subtle) throw new Error('这个浏览器不能加密保存证件信息，请联网登记。');
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const text = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv }, await key(form.owner, true), new TextEncoder().encode(JSON.stringify(secret)));
  return { ...form, fields: form.fields.filter(field => !secret.includes(field)), sealed: { iv, text } };
}

/** All fields of a form in clear; `null` when the key has gone. */
async function opening(form) {
  if (!form.sealed) return form.fields;
  try {
    const { iv, text } = form.sealed;
    const clear = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, await key(form.owner, false), text);
    return [...form.fields, ...JSON.parse(new TextDecoder().decode(clear))];
  } catch {
    return null;
  }
}

/** Lets go of the keys of accounts other than `owner`, and of the forms that are sealed with them. */
export async function settle(owner) {
  const others = (await run('readonly', store => store.getAllKeys(), KEYS)).filter(other => other !== owner);
  for (const other of others) {
    for (const form of await waiting(other)) if (form.sealed) await drop(form.id);
    await run('readwrite', store => store.delete(other), KEYS);
  }
}

// --- The forms --------------------------------------------------------------------------------------------------------

/** What `owner` has waiting, oldest first. Another account on the same device neither sees nor sends it. */
export async function waiting(owner) {
  const all = await run('readonly', store => store.getAll());
  return all.filter(form => form.owner === owner).sort((a, b) => a.time - b.time);
}

/**
 * Keeps a form: `{id, owner, title, action, fields: [[name, value]…], secret: [name…], time}`; files are values too.
 * Fails where something is secret and this browser cannot seal it.
 */
export async function keep(form) {
  const kept = await sealed(form);
  await run('readwrite', store => store.put(kept));
}

/** The form as it is kept now, if it is still. */
export const find = id => run('readonly', store => store.get(id));

/** Notes why a form was refused, unless it was sent or dropped meanwhile. */
export const refuse = (id, refused) => run('readwrite', store => {
  const request = store.get(id);
  request.addEventListener('success', () => {
    if (request.result) store.put({ ...request.result, refused });
  });
});

export const drop = id => run('readwrite', store => store.delete(id));

/** The answer of the server: `{done, next}`, `{refused: sentence}`, `{wait: sentence}` when it has to be tried again. */
export async function send(form, token) {
  const fields = await opening(form);
  if (!fields) return { refused: '这条登记的证件信息已从这台手机清除，请重新登记。' };
  const body = new FormData();
  for (const [name, value] of fields) {
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

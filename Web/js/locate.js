// Links that need to know where one is: `data-locate` adds `lon` and `lat` to their address.
import { isPlain, on } from './dom.js';
import { position } from './position.js';
import { toast } from './toast.js';

on('click', '[data-locate]', async (event, link) => {
  if (!isPlain(event)) return;
  event.preventDefault();
  link.classList.add('is-busy');
  try {
    const here = await position();
    const url = new URL(link.href);
    url.searchParams.set('lon', here.longitude.toFixed(6));
    url.searchParams.set('lat', here.latitude.toFixed(6));
    location.assign(url);
  } catch (error) {
    toast('warning', error.message);
  } finally {
    link.classList.remove('is-busy');
  }
});

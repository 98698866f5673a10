// What went wrong on the way to the server: nothing on the page is lost, and the page says so.
import { toast } from './toast.js';

document.addEventListener('htmx:responseError', event => {
  const { status } = event.detail.xhr;
  if (status === 401) {
    toast('warning', '登录已过期，本页内容还在。请先登录，再回到本页重试。', { href: '/sign-in', label: '在新窗口登录', newWindow: true });
  } else if (status === 403) {
    toast('danger', '没有这项操作的权限，什么都没有改动。需要时请向本单位的系统管理员申请。');
  } else if (status === 404) {
    toast('warning', '这条记录已经不在了，可能刚被删除。请刷新列表。');
  } else {
    toast('danger', `没有完成（${status}），什么都没有改动。请稍后重试。`);
  }
});
document.addEventListener('htmx:sendError', () => {
  toast('danger', '网络不通，什么都没有改动。请检查网络后重试。');
});
addEventListener('offline', () => toast('warning', '网络已断开。已打开的内容还能看，提交前请先恢复网络。'));
addEventListener('online', () => toast('success', '网络已恢复。'));

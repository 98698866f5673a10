// Amounts in capitals (大写), as on every Chinese receipt.
const digits = '零壹贰叁肆伍陆柒捌玖';
const units = ['', '拾', '佰', '仟'];
const sections = ['', '万', '亿', '万亿'];

function section(number) {
  let text = '';
  let gap = false;
  for (let place = 3; place >= 0; place -= 1) {
    const digit = Math.floor(number / 10 ** place) % 10;
    if (digit === 0) {
      gap = text !== '';
    } else {
      text += (gap ? '零' : '') + digits[digit] + units[place];
      gap = false;
    }
  }
  return text;
}

/** `1234.5` as `人民币壹仟贰佰叁拾肆元伍角整`, as the server writes it; nothing for what is not an amount below ten thousand trillion. */
export function capitals(value) {
  const match = /^\s*([0-9,]{1,20})(?:\.([0-9]{1,2}))?\s*$/.exec(value);
  if (!match) return '';
  const whole = match[1].replaceAll(',', '');
  if (whole === '' || whole.length > 16) return '';
  const [tenths, hundredths] = (match[2] ?? '').padEnd(2, '0').split('').map(Number);
  const groups = [];
  for (let end = whole.length; end > 0; end -= 4) groups.unshift(Number(whole.slice(Math.max(0, end - 4), end)));
  let text = '';
  let gap = false;
  groups.forEach((group, index) => {
    if (group === 0) {
      gap = text !== '';
      return;
    }
    if (text !== '' && (gap || group < 1000)) text += '零';
    text += section(group) + sections[groups.length - 1 - index];
    gap = false;
  });
  text = text === '' ? '' : `${text}元`;
  if (tenths === 0 && hundredths === 0) return `人民币${text === '' ? '零元' : text}整`;
  if (tenths > 0) {
    // 零 where the yuan end in zero (《支付结算办法》附一): 壹拾元零伍角整.
    if (text !== '' && whole.endsWith('0')) text += '零';
    text += `${digits[tenths]}角`;
  } else if (text !== '') {
    text += '零';
  }
  return `人民币${text}${hundredths > 0 ? `${digits[hundredths]}分` : '整'}`;
}

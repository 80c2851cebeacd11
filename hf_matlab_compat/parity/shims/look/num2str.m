function text = num2str(x, varargin)
% Return the text of the real num2str, and record the number at full precision.

text = hf_num2str(x, varargin{:});
if isnumeric(x) && isscalar(x)
    hf_tape('number', text, double(x));
end
end

function y = single(x)
% Return doubles where the trainer calls single(...).

y = double(x);
end
